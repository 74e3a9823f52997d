// Who is signed in. Nobody stays so by leaving the page open: what the page asks for by itself would count as being
// there, so after a while without a hand on it the page signs out. The pages of one browser share a sign-in, and so they
// share the hand.

import { createStore } from "../store";
import { ApiFailure, accessToken, ask, keep, logOut, refresh, whenSignedOut } from "./client";
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
/** Whether somebody is there without a hand on the page: they are on the telephone with it. */
export const busy = createStore(false);

/** When a page of this browser was touched last. */
const TOUCHED = "auricle.touched";
/** That a sign-out has not been heard of by the gateway yet. */
const OWED = "auricle.logout_owed";
const TELL_MS = 2_000;
const LOOK_MS = 5_000;
let lastTouched = Date.now();
let lastTold = 0;
let leaving: AbortController | null = null;

whenSignedOut(() => left("over"));

/** Takes up the sign-in that the browser still has, if any; one that was left without a word is ended first. */
export async function resume(): Promise<void> {
    session.set({ phase: "loading" });
    try {
        if (localStorage.getItem(OWED) !== null) await settle(null);
        if (await refresh()) await enter();
        else session.set({ phase: "signed_out", notice: "none" });
    } catch {
        session.set({ phase: "unreachable" });
    }
}

/** The sign-in is done. */
export async function signedIn(tokens: Tokens): Promise<void> {
    // The cookie is another one now: there is nothing to end by it any more.
    leaving?.abort();
    localStorage.removeItem(OWED);
    keep(tokens);
    try {
        await enter();
    } catch {
        // The steps are done, and their codes used: what is left to do is to look again.
        session.set({ phase: "unreachable" });
    }
}

/** Leaves at once; the gateway is told meanwhile, or else before the page is entered again. */
export function signOut(notice: "none" | "idle" = "none"): void {
    const token = accessToken();
    if (token !== null) localStorage.setItem(OWED, "1");
    left(notice);
    if (token !== null) void settle(token).catch(() => {});
}

async function settle(token: string | null): Promise<void> {
    const own = (leaving = new AbortController());
    await logOut(token, own.signal);
    if (!own.signal.aborted) localStorage.removeItem(OWED);
}

export function may(permission: string): boolean {
    const now = session.get();
    return now.phase === "signed_in" && now.me.permissions.includes(permission);
}

/** Somebody is there; too late, if nobody was for too long: timers stand still while a machine sleeps. */
export function touched(): void {
    if (session.get().phase === "signed_in" && idleMs() > endMs()) return signOut("idle");
    beThere();
}

function beThere(): void {
    lastTouched = Date.now();
    idleSoon.set(false);
    if (lastTouched - lastTold < TELL_MS) return;
    lastTold = lastTouched;
    localStorage.setItem(TOUCHED, String(lastTouched));
}

/** For how long no page of this browser was touched. */
function idleMs(): number {
    const now = Date.now();
    const elsewhere = Number(localStorage.getItem(TOUCHED) ?? 0);
    return now - Math.max(lastTouched, elsewhere <= now ? elsewhere : 0);
}

function endMs(): number {
    const now = session.get();
    return ((now.phase === "signed_in" ? now.me.idle_minutes : undefined) ?? 15) * 60_000;
}

async function enter(): Promise<void> {
    const { body } = await ask<Me>("GET", "/v1/auth/me");
    beThere();
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
    const [idle, end] = [idleMs(), endMs()];
    if (idle > end) signOut("idle");
    else if (busy.get()) beThere();
    else idleSoon.set(idle > end - Math.min(WARN_MS, end / 2));
}, LOOK_MS);

const WARN_MS = 60_000;

export function isFailure(error: unknown): error is ApiFailure {
    return error instanceof ApiFailure;
}
