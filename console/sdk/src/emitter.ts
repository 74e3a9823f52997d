/** Listeners by the name of what they listen to. One that throws keeps nobody else from hearing. */
export class Emitter<Events extends object> {
    #listeners = new Map<keyof Events, Set<(value: never) => void>>();

    /** Listens from now on; what comes back ends it. */
    on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
        const listeners = this.#listeners.get(name) ?? new Set();
        this.#listeners.set(name, listeners);
        listeners.add(listener);
        return () => void listeners.delete(listener);
    }

    protected emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
        for (const listener of [...(this.#listeners.get(name) ?? [])]) {
            try {
                (listener as (value: Events[Name]) => void)(value);
            } catch (error) {
                // As an event target does: it is the page's own, told where the page looks for it.
                setTimeout(() => {
                    throw error;
                });
            }
        }
    }
}
