// Who is signed in. Nobody stays so by leaving the page open: what the page asks for by itself would count as being
// there, so after a while without a hand on it the page signs out.

import { createStore } from "../store";
import { ApiFailure, accessToken, ask, keep, refresh, whenSignedOut } from "./client";
import { startEvents, stopEvents } from "./events";
import type { Me, Tokens } from "./types";

export type Session =
    | { phase: "loading" }
    | { phase: "unreachable" }
    | { phase: "signed_out"; notice: "none" | "over" | "idle" }
    | { phase: "signed_in"; me: Me };

export const session = createStore<Session>({ phase: "loading" });
/** Whether the page is about to sign out for want of a hand. */
export const idleSoon = createStore(false);

const IDLE_WARN_MS = 14 * 60_000;
const IDLE_END_MS = 15 * 60_000;
let lastTouched = Date.now();

whenSignedOut(() => left("over"));

/** Takes up the sign-in that the browser still has, if any. */
export async function resume(): Promise<void> {
    session.set({ phase: "loading" });
    try {
        if (await refresh()) await enter();
        else session.set({ phase: "signed_out", notice: "none" });
    } catch {
        session.set({ phase: "unreachable" });
    }
}

/** The sign-in is done. */
export async function signedIn(tokens: Tokens): Promise<void> {
    keep(tokens);
    await enter();
}

export async function signOut(notice: "none" | "idle" = "none"): Promise<void> {
    if (accessToken() !== null) await ask("POST", "/v1/auth/logout").catch(() => {});
    left(notice);
}

export function may(permission: string): boolean {
    const now = session.get();
    return now.phase === "signed_in" && now.me.permissions.includes(permission);
}

/** Somebody is there. */
export function touched(): void {
    lastTouched = Date.now();
    idleSoon.set(false);
}

async function enter(): Promise<void> {
    const { body } = await ask<Me>("GET", "/v1/auth/me");
    touched();
    session.set({ phase: "signed_in", me: body });
    if (body.permissions.includes("events:read")) startEvents();
}

function left(notice: "none" | "over" | "idle"): void {
    keep(null);
    stopEvents();
    idleSoon.set(false);
    if (session.get().phase !== "signed_out") session.set({ phase: "signed_out", notice });
}

for (const happening of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    // While the question stands, only its answer counts.
    window.addEventListener(happening, () => idleSoon.get() || touched(), { passive: true, capture: true });
}

setInterval(() => {
    if (session.get().phase !== "signed_in") return;
    const idle = Date.now() - lastTouched;
    if (idle > IDLE_END_MS) void signOut("idle");
    else idleSoon.set(idle > IDLE_WARN_MS);
}, 5_000);

export function isFailure(error: unknown): error is ApiFailure {
    return error instanceof ApiFailure;
}
