// Listening to a running call: by WHEP, and where the gateway or the network has no way for that as a stream of sound that
// is played as it comes.

import { listen as listenByWhep } from "../../sdk/src/index";
import { accessToken, open } from "../api/client";

const RATE_HZ = 16_000;
/** So much is kept ahead of the ear, against a network that stutters. */
const AHEAD_S = 0.15;
const HEADER_OCTETS = 44;

export interface Listening {
    stop: () => void;
}

/** Begins; `over` is told when it ends, by whomever. */
export async function listen(id: string, over: () => void): Promise<Listening> {
    // Asked for while the click is still being handled: a browser lets no page sound by itself.
    const context = new AudioContext();
    const live = await byWhep(id, over);
    if (live === null) return streamed(id, context, over);
    void context.close();
    return live;
}

/** Null where no connection comes about. */
function byWhep(id: string, over: () => void): Promise<Listening | null> {
    return new Promise((resolve) => {
        const endpoint = `/v1/calls/${encodeURIComponent(id)}/whep`;
        const ear = listenByWhep({ endpoint, token: () => accessToken() ?? "", patienceMs: 4_000 });
        let heard = false;
        ear.on("state", (state) => {
            if (state !== "connected") return;
            heard = true;
            resolve({ stop: () => ear.hangUp() });
        });
        ear.on("ended", () => (heard ? over() : resolve(null)));
    });
}

async function streamed(id: string, context: AudioContext, over: () => void): Promise<Listening> {
    const controller = new AbortController();
    const stop = (): void => {
        controller.abort();
        if (context.state !== "closed") void context.close();
    };
    try {
        const path = `/v1/calls/${encodeURIComponent(id)}/listen?mix=both&rate=${RATE_HZ}`;
        const response = await open("GET", path, { signal: controller.signal, headers: { accept: "audio/wav" } });
        void play(response, context)
            .catch(() => {})
            .finally(() => {
                stop();
                over();
            });
    } catch (failure) {
        stop();
        throw failure;
    }
    return { stop };
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
