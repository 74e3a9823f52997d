import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { onEvent } from "../api/events";
import type { GatewayEvent } from "../api/types";

/** The time, told every so often while `running`. */
export function useNow(everyMs: number, running = true): number {
    const [now, setNow] = useState(Date.now);
    useEffect(() => {
        if (!running) return undefined;
        const timer = setInterval(() => setNow(Date.now()), everyMs);
        return () => clearInterval(timer);
    }, [everyMs, running]);
    return now;
}

export function useEvents(listener: (event: GatewayEvent) => void): void {
    const latest = useRef(listener);
    latest.current = listener;
    useEffect(() => onEvent((event) => latest.current(event)), []);
}

export interface Loaded<T> {
    value: T | null;
    failure: unknown;
    /** Looks again soon: several wishes within a moment are one. */
    again: () => void;
}

/** Something that is looked up when the page opens, again when asked to, and every so often while it is in sight. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, everyMs: number | null, on: unknown[]): Loaded<T> {
    const [value, setValue] = useState<T | null>(null);
    const [failure, setFailure] = useState<unknown>(null);
    const latest = useRef(load);
    latest.current = load;
    const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
    const running = useRef<AbortController | null>(null);
    const look = useCallback(async () => {
        running.current?.abort();
        const controller = new AbortController();
        running.current = controller;
        try {
            const found = await latest.current(controller.signal);
            if (controller.signal.aborted) return;
            setValue(found);
            setFailure(null);
        } catch (error) {
            if (!controller.signal.aborted) setFailure(error);
        }
    }, []);
    const again = useCallback(() => {
        timer.current ??= setTimeout(() => {
            timer.current = null;
            void look();
        }, SOON_MS);
    }, [look]);
    useEffect(() => {
        void look();
        return () => {
            running.current?.abort();
            if (timer.current !== null) clearTimeout(timer.current);
            timer.current = null;
        };
    }, on);
    useEffect(() => {
        if (everyMs === null) return undefined;
        const tick = setInterval(() => document.visibilityState === "visible" && again(), everyMs);
        return () => clearInterval(tick);
    }, [everyMs, again]);
    return { value, failure, again };
}

/** The gateway allows a hundred requests a minute as a rule: a burst of events is one look. */
const SOON_MS = 700;
