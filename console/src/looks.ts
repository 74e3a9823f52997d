// When a page looks at the gateway again: a burst of events is one look, and no look comes while another is under way.

/** Events come many at a time. */
const SOON_MS = 700;
/** The gateway allows a hundred requests a minute as a rule, and a look may be a few. */
const SELDOM_MS = 4_000;

export class Looks {
    readonly #look: (signal: AbortSignal) => Promise<void>;
    #running: AbortController | null = null;
    #timer: ReturnType<typeof setTimeout> | null = null;
    #wished = false;
    #last = Number.NEGATIVE_INFINITY;

    constructor(look: (signal: AbortSignal) => Promise<void>) {
        this.#look = look;
    }

    /** Looks at once, in the place of a look that is under way. */
    now(): void {
        this.stop();
        const own = (this.#running = new AbortController());
        this.#last = Date.now();
        void this.#look(own.signal).finally(() => {
            if (this.#running !== own) return;
            this.#running = null;
            if (this.#wished) this.soon();
        });
    }

    /** Looks again: soon, but not while another look is under way, and not long before the last is a few seconds old. */
    soon(): void {
        this.#wished = this.#running !== null;
        if (this.#wished) return;
        this.#timer ??= setTimeout(() => this.now(), Math.max(SOON_MS, this.#last + SELDOM_MS - Date.now()));
    }

    stop(): void {
        this.#running?.abort();
        this.#running = null;
        if (this.#timer !== null) clearTimeout(this.#timer);
        this.#timer = null;
        this.#wished = false;
    }
}
