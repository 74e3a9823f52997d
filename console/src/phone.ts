// The telephone's call. It is no page's: it goes on while one looks at something else, and ends when its user leaves.

import { type Call, type End, type GatewayMessage, call as place } from "../sdk/src/index";
import { ask } from "./api/client";
import { busy, session } from "./api/session";
import type { Speaker } from "./api/types";
import { createStore } from "./store";

export interface Line {
    speaker: Speaker;
    text: string;
    final: boolean;
}

export interface Phone {
    agent: string;
    call: Call | null;
    state: "idle" | "connecting" | "connected" | "reconnecting" | "ended";
    connectedAt: number | null;
    muted: boolean;
    lines: Line[];
    /** Whose turn it is, as the gateway last told. */
    turn: Turn | null;
    /** The devices that were chosen; empty: the standard ones. */
    microphone: string;
    speaker: string;
    /** What the browser does not do. */
    trouble: Trouble | null;
    end: End | null;
}

type Trouble = "microphone_lost" | "microphone_failed" | "speaker_failed" | "play_refused";
type Turn = (typeof TURNS)[number];
const TURNS = ["caller_speaks", "caller_done", "agent_speaks", "agent_done", "agent_interrupted"] as const;

/** The agent that was called last from this browser. */
const LAST = "auricle.agent";
const QUIET = { call: null, state: "idle", connectedAt: null, muted: false, lines: [], turn: null, trouble: null, end: null } satisfies Partial<Phone>;
export const phone = createStore<Phone>({ ...QUIET, agent: localStorage.getItem(LAST) ?? "", microphone: "", speaker: "" });

phone.subscribe(() => busy.set(phone.get().call !== null));

// Nobody hears the room, or reads what was said in it, after whoever called has left.
session.subscribe(() => {
    if (session.get().phase === "signed_in") return;
    hangUp();
    change(QUIET);
});

function change(part: Partial<Phone>): void {
    phone.set({ ...phone.get(), ...part });
}

export function dial(agent: string): void {
    const { microphone, speaker } = phone.get();
    const placed = place({
        endpoint: `/v1/whip/${encodeURIComponent(agent)}`,
        // A token for this one call, under the operator's own name.
        token: () => tokenFor(agent),
        ...(microphone === "" ? {} : { audio: { deviceId: { exact: microphone } } }),
    });
    localStorage.setItem(LAST, agent);
    change({ ...QUIET, agent, call: placed, state: "connecting" });
    placed.on("state", (state) => change({ state, connectedAt: phone.get().connectedAt ?? (state === "connected" ? Date.now() : null) }));
    placed.on("message", heard);
    placed.on("microphone_lost", () => change({ trouble: "microphone_lost" }));
    placed.on("play_refused", () => change({ trouble: "play_refused" }));
    placed.on("ended", (end) => change({ end, call: null, trouble: null }));
    if (speaker !== "") chooseSpeaker(speaker);
}

export function hangUp(): void {
    phone.get().call?.hangUp();
}

export function toggleMute(): void {
    const { call, muted } = phone.get();
    call?.mute(!muted);
    change({ muted: !muted });
}

export function chooseMicrophone(microphone: string): void {
    const former = phone.get().microphone;
    change({ microphone });
    attempt("microphone_failed", (call) => call.setMicrophone(microphone), () => phone.get().microphone === microphone && change({ microphone: former }));
}

export function chooseSpeaker(speaker: string): void {
    change({ speaker });
    attempt("speaker_failed", (call) => call.setSpeaker(speaker));
}

/** To be called within a click. */
export function playAfterAll(): void {
    attempt("play_refused", (call) => call.play());
}

/** Does something with the call that is up: what fails is told, and what was told of the same before is over when it does not. */
function attempt(trouble: Trouble, what: (call: Call) => Promise<void>, failed?: () => void): void {
    const { call } = phone.get();
    if (call === null) return;
    const kind = trouble.slice(0, trouble.indexOf("_"));
    what(call).then(
        () => phone.get().call === call && phone.get().trouble?.startsWith(kind) === true && change({ trouble: null }),
        () => {
            if (phone.get().call !== call) return;
            failed?.();
            change({ trouble });
        },
    );
}

async function tokenFor(agent: string): Promise<string> {
    const now = session.get();
    const caller = now.phase === "signed_in" ? (now.me.user?.name ?? now.me.user?.email)?.slice(0, 64) : undefined;
    const body = { agent, ...(caller === undefined ? {} : { caller }) };
    return (await ask<{ token: string }>("POST", "/v1/whip_tokens", { body })).body.token;
}

/** What the gateway tells while the call runs; what this page does not know is passed over. */
function heard(message: GatewayMessage): void {
    const { type, speaker, text, state } = message;
    if (type === "turn") return change({ turn: TURNS.find((turn) => turn === state) ?? null });
    if (type !== "transcript" || (speaker !== "caller" && speaker !== "agent") || typeof text !== "string") return;
    const lines = [...phone.get().lines];
    const last = lines.findLastIndex((line) => line.speaker === speaker && !line.final);
    const line: Line = { speaker, text, final: message["final"] !== false };
    if (last >= 0) lines[last] = line;
    else lines.push(line);
    change({ lines: lines.slice(-500) });
}
