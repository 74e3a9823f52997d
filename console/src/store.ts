import { useEffect, useState } from "preact/hooks";

/** A value that many look at. */
export interface Store<T> {
    get(): T;
    set(value: T): void;
    subscribe(listener: () => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
    let value = initial;
    const listeners = new Set<() => void>();
    return {
        get: () => value,
        set(next) {
            if (Object.is(next, value)) return;
            value = next;
            for (const listener of [...listeners]) listener();
        },
        subscribe(listener) {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
    };
}

/** The value as it stands; the component is drawn again when it changes. */
export function useStore<T>(store: Store<T>): T {
    const [, redraw] = useState(0);
    useEffect(() => store.subscribe(() => redraw((count) => count + 1)), [store]);
    return store.get();
}
