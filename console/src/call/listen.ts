// Listening to a running call: by WHEP, and where the gateway or the network has no way for that as a stream of sound that
// is played as it comes.

import { listen as listenByWhep } from "../../sdk/src/index";
import { accessToken, open, refresh } from "../api/client";

const RATE_HZ = 16_000;
/** So much is kept ahead of the ear, against a network that stutters. */
const AHEAD_S = 0.15;
const HEADER_OCTETS = 44;
/** What has been heard for so long may be begun again when it ends by itself. */
const WORTH_MS = 30_000;
const PAUSE_MS = 1_000;

export interface Listening {
    stop: () => void;
}

/**
 * Begins at once, and can be stopped from then on. What ends by itself is begun again once, with a fresh token; `over` is told
 * when that does not help, with what failed, or null where something was heard; never after `stop`.
 */
export function listen(id: string, over: (failure: unknown) => void): Listening {
    const stopping = new AbortController();
    // Asked for while the click is still being handled: a browser lets no page sound by itself.
    const context = new AudioContext();
    void keepHearing(id, context, stopping.signal)
        .then(
            () => null,
            (failure: unknown) => failure,
        )
        .then((failure) => {
            void context.close();
            if (!stopping.signal.aborted) over(failure);
        });
    return { stop: () => stopping.abort() };
}

async function keepHearing(id: string, context: AudioContext, signal: AbortSignal): Promise<void> {
    let again = true;
    for (let first = true; !signal.aborted; first = false) {
        const began = Date.now();
        try {
            await hear(id, context, signal);
        } catch (failure) {
            // Before anything was heard it is the user's to know.
            if (first) throw failure;
            return;
        }
        again ||= Date.now() - began > WORTH_MS;
        if (!again || signal.aborted) return;
        again = false;
        await pause(PAUSE_MS, signal);
        if (signal.aborted || !(await refresh().catch(() => false))) return;
    }
}

/** Resolves when what was heard is over; rejects when nothing comes to be heard. */
async function hear(id: string, context: AudioContext, signal: AbortSignal): Promise<void> {
    if ((await byWhep(id, signal)) || signal.aborted) return;
    await streamed(id, context, signal);
}

/** Whether a connection came about, once it is over. */
function byWhep(id: string, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
        const endpoint = `/v1/calls/${encodeURIComponent(id)}/whep`;
        const ear = listenByWhep({ endpoint, token: () => accessToken() ?? "", patienceMs: 4_000 });
        const stop = (): void => ear.hangUp();
        let heard = false;
        ear.on("state", (state) => (heard ||= state === "connected"));
        ear.on("ended", () => {
            signal.removeEventListener("abort", stop);
            resolve(heard);
        });
        signal.addEventListener("abort", stop);
    });
}

async function streamed(id: string, context: AudioContext, signal: AbortSignal): Promise<void> {
    const path = `/v1/calls/${encodeURIComponent(id)}/listen?mix=both&rate=${RATE_HZ}`;
    const response = await open("GET", path, { signal, headers: { accept: "audio/wav" } });
    // A stream that breaks is one that is over.
    await play(response, context).catch(() => {});
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    });
}

async function play(response: Response, context: AudioContext): Promise<void> {
    const reader = response.body?.getReader();
    if (!reader) return;
    let rest = new Uint8Array(0);
    let skip = HEADER_OCTETS;
    let due = 0;
    for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const octets = joined(rest, value);
        const from = Math.min(skip, octets.length);
        skip -= from;
        const whole = octets.length - ((octets.length - from) % 2);
        rest = octets.slice(whole);
        const samples = pcm(octets.subarray(from, whole));
        if (samples.length === 0) continue;
        const buffer = context.createBuffer(1, samples.length, RATE_HZ);
        buffer.copyToChannel(samples, 0);
        const source = context.createBufferSource();
        source.buffer = buffer;
        source.connect(context.destination);
        if (due < context.currentTime) due = context.currentTime + AHEAD_S;
        source.start(due);
        due += buffer.duration;
    }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
    if (a.length === 0) return b;
    const both = new Uint8Array(a.length + b.length);
    both.set(a);
    both.set(b, a.length);
    return both;
}

/** 16-bit little-endian samples as what Web Audio takes. */
export function pcm(octets: Uint8Array): Float32Array<ArrayBuffer> {
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
    const samples = new Float32Array(Math.floor(octets.byteLength / 2));
    for (let at = 0; at < samples.length; at += 1) samples[at] = view.getInt16(at * 2, true) / 32_768;
    return samples;
}
