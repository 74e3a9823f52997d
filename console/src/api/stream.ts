// Server-sent events over fetch: EventSource cannot send a header, and a token does not belong into an address.

/** One event of a stream. */
export interface ServerEvent {
    name: string;
    data: string;
}

/** Reads the lines of an event stream (HTML Living Standard §9.2.6), whatever pieces they come in. */
export class EventParser {
    #rest = "";
    #name = "";
    #data: string[] = [];

    push(piece: string): ServerEvent[] {
        const events: ServerEvent[] = [];
        const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
        this.#rest = lines.pop() ?? "";
        for (const line of lines) {
            if (line === "") {
                if (this.#data.length > 0) events.push({ name: this.#name || "message", data: this.#data.join("\n") });
                this.#name = "";
                this.#data = [];
                continue;
            }
            const colon = line.indexOf(":");
            const field = colon < 0 ? line : line.slice(0, colon);
            const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
            if (field === "event") this.#name = value;
            if (field === "data") this.#data.push(value);
        }
        return events;
    }
}

/** How long to wait before the next attempt: twice as long each time, at most 30 s, spread so that not all come at once. */
export function backoffMs(attempt: number, random: number): number {
    const most = Math.min(30_000, 1_000 * 2 ** Math.min(attempt, 5));
    return Math.round(most * (0.5 + random / 2));
}
