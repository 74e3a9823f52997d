// What happens at the gateway, as it happens: one stream for the whole page, taken up again when it breaks.

import { createStore } from "../store";
import { open } from "./client";
import { EventParser, backoffMs } from "./stream";
import type { GatewayEvent } from "./types";

export type StreamState = "off" | "connecting" | "live" | "lost";

/** How the stream stands. */
export const streamState = createStore<StreamState>("off");

type Listener = (event: GatewayEvent) => void;
const listeners = new Set<Listener>();
let running: AbortController | null = null;

/** Told of every event, and of `resync` when some may have been missed. */
export function onEvent(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

export function startEvents(): void {
    if (running) return;
    running = new AbortController();
    void keepFollowing(running.signal);
}

export function stopEvents(): void {
    running?.abort();
    running = null;
    streamState.set("off");
}

async function keepFollowing(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
        streamState.set(attempt === 0 ? "connecting" : "lost");
        try {
            const response = await open("GET", "/v1/events", { signal, headers: { accept: "text/event-stream" } });
            streamState.set("live");
            // What was looked up before this may be older than what the stream tells first.
            tell({ type: "resync" });
            attempt = 0;
            await follow(response, signal);
        } catch {
            // Refused, lost or stopped: what to do is the same.
        }
        if (signal.aborted) return;
        streamState.set("lost");
        await pause(backoffMs(attempt, Math.random()), signal);
    }
}

async function follow(response: Response, signal: AbortSignal): Promise<void> {
    const reader = response.body?.getReader();
    if (!reader) return;
    const parser = new EventParser();
    const decoder = new TextDecoder();
    for (;;) {
        // The gateway sends a comment every 15 s: a line that is silent for longer is dead.
        const piece = await within(reader.read(), 40_000);
        if (piece === null || piece.done || signal.aborted) {
            await reader.cancel().catch(() => {});
            return;
        }
        for (const event of parser.push(decoder.decode(piece.value, { stream: true }))) {
            if (event.name === "lagged") tell({ type: "resync" });
            else tell(JSON.parse(event.data) as GatewayEvent);
        }
    }
}

function tell(event: GatewayEvent): void {
    for (const listener of [...listeners]) listener(event);
}

function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), ms)));
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
        const done = (): void => {
            clearTimeout(timer);
            window.removeEventListener("online", done);
            resolve();
        };
        const timer = setTimeout(done, ms);
        signal.addEventListener("abort", done, { once: true });
        window.addEventListener("online", done);
    });
}
