import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import { onEvent } from "../api/events";
import type { GatewayEvent, Page } from "../api/types";
import { Looks } from "../looks";
import { type Pages, withFirst, withNext } from "../pages_of";

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
    const looks = useMemo(
        () =>
            new Looks(async (signal) => {
                try {
                    const found = await latest.current(signal);
                    if (signal.aborted) return;
                    setValue(found);
                    setFailure(null);
                } catch (error) {
                    if (!signal.aborted) setFailure(error);
                }
            }),
        [],
    );
    const again = useCallback(() => looks.soon(), [looks]);
    useEffect(() => {
        looks.now();
        return () => looks.stop();
    }, on);
    useEffect(() => {
        if (everyMs === null) return undefined;
        const tick = setInterval(() => document.visibilityState === "visible" && again(), everyMs);
        return () => clearInterval(tick);
    }, [everyMs, again]);
    return { value, failure, again };
}

export interface Paged<T> {
    /** None yet: null. */
    items: T[] | null;
    failure: unknown;
    again: () => void;
    /** Looks up the next page; null where there is none. */
    more: (() => void) | null;
}

/** A list that is looked up page by page, as long as what it is a list `of` stays the same. */
export function usePages<T extends { id: string }>(load: (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>, of: string): Paged<T> {
    const [pages, setPages] = useState<Pages<T> | null>(null);
    const [failure, setFailure] = useState<unknown>(null);
    const running = useRef<AbortController | null>(null);
    const first = useLoaded(
        async (signal) => {
            const page = await load(null, signal);
            if (!signal.aborted) setPages((before) => withFirst(before, page, of));
        },
        null,
        [of],
    );
    useEffect(
        () => () => {
            running.current?.abort();
            running.current = null;
            setFailure(null);
        },
        [of],
    );
    const next = async (cursor: string): Promise<void> => {
        // One after the other: a second click asks for the same page.
        if (running.current !== null) return;
        const own = (running.current = new AbortController());
        setFailure(null);
        try {
            const page = await load(cursor, own.signal);
            if (!own.signal.aborted) setPages((before) => withNext(before, page, of));
        } catch (error) {
            if (!own.signal.aborted) setFailure(error);
        } finally {
            if (running.current === own) running.current = null;
        }
    };
    const cursor = pages?.of === of ? pages.cursor : null;
    return { items: pages?.items ?? null, failure: first.failure ?? failure, again: first.again, more: cursor === null ? null : () => void next(cursor) };
}
