// The HTTP side of a call (RFC 9725): the endpoint that an offer goes to, and the session that it makes.

/** The gateway said no. Status 0: it could not be reached. */
export class HttpError extends Error {
    constructor(
        readonly status: number,
        readonly reason: string,
    ) {
        super(`status ${status}: ${reason}`);
        this.name = "HttpError";
    }
}

export type Token = string | (() => string | Promise<string>);

export interface Answered {
    sdp: string;
    iceServers: RTCIceServer[];
}

/** One session, from its offer to its end. */
export class Resource {
    #location: string | null = null;
    #tag: string | null = null;
    #kept: string | null = null;

    constructor(
        readonly endpoint: string,
        readonly token: Token,
    ) {}

    /** Whether candidates may be sent after the offer: without an entity tag the session takes none. */
    get trickles(): boolean {
        return this.#tag !== null;
    }

    /** Sends the offer; the answer makes the session. */
    async begin(offer: string, signal: AbortSignal): Promise<Answered> {
        const response = await this.#send("POST", this.endpoint, "application/sdp", offer, {}, signal);
        const location = response.headers.get("location");
        if (response.status !== 201 || location === null) throw new HttpError(response.status, "no_session");
        // Relative to where the offer went in the end, redirects followed.
        this.#location = new URL(location, new URL(response.url || this.endpoint, globalThis.location?.href)).href;
        this.#tag = response.headers.get("etag");
        return { sdp: await response.text(), iceServers: iceServers(response.headers.get("link") ?? "") };
    }

    /** Sends candidates. */
    async trickle(body: string): Promise<void> {
        if (this.#location === null || this.#tag === null) return;
        const location = this.#location;
        const match = { "if-match": this.#tag };
        // One that hangs would hold up all that are found after it.
        await within(ATTEMPT_MS, null, (signal) => this.#send("PATCH", location, FRAGMENT, body, match, signal));
    }

    /** Asks for ICE to start anew; the fragment of the other side. */
    async restart(body: string, signal: AbortSignal): Promise<string> {
        if (this.#location === null) throw new HttpError(0, "no_session");
        const location = this.#location;
        return within(ATTEMPT_MS, signal, async (limited) => {
            const response = await this.#send("PATCH", location, FRAGMENT, body, { "if-match": "*" }, limited);
            if (response.status !== 200) throw new HttpError(response.status, "no_restart");
            const answered = await response.text();
            this.#tag = response.headers.get("etag") ?? this.#tag;
            return answered;
        });
    }

    /** Ends the session; what is gone already is as good. */
    async end(): Promise<void> {
        const location = this.#location;
        this.#location = null;
        // A page that is being left still gets this out.
        if (location !== null) await this.#send("DELETE", location, null, null, {}, undefined, true).catch(() => {});
    }

    async #send(
        method: string,
        url: string,
        type: string | null,
        body: string | null,
        extra: Record<string, string>,
        signal?: AbortSignal,
        keepalive = false,
    ): Promise<Response> {
        const token = this.#kept ?? (typeof this.token === "string" ? this.token : await this.token());
        const headers: Record<string, string> = { ...extra, authorization: `Bearer ${token}` };
        if (type !== null) headers["content-type"] = type;
        const init: RequestInit = { method, headers, keepalive };
        if (body !== null) init.body = body;
        if (signal) init.signal = signal;
        let response: Response;
        try {
            response = await fetch(url, init);
        } catch (error) {
            if (signal?.aborted) throw error;
            throw new HttpError(0, "unreachable");
        }
        if (!response.ok) throw new HttpError(response.status, await reason(response));
        // A token for one call steers the call that it made, and no other token of that kind does.
        if (method === "POST" && token.startsWith("wt_")) this.#kept = token;
        return response;
    }
}

/** Does something and gives up on it after a while, or when `signal` says so. */
async function within<T>(ms: number, signal: AbortSignal | null, attempt: (limited: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const stop = (): void => limit.abort();
    const timer = setTimeout(stop, ms);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
        return await attempt(limit.signal);
    } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
    }
}

async function reason(response: Response): Promise<string> {
    try {
        const { error } = (await response.json()) as { error?: { code?: string; context?: { reason?: string } | null } };
        return error?.context?.reason ?? error?.code ?? "refused";
    } catch {
        return "refused";
    }
}

/** The ICE servers among the links of an answer (RFC 9725 §4.6). */
export function iceServers(link: string): RTCIceServer[] {
    const servers: RTCIceServer[] = [];
    for (const [, url, parameters = ""] of link.matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^",;\s]+))*)/g)) {
        const named = new Map<string, string>();
        for (const [, name = "", quoted, bare] of parameters.matchAll(/;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",;\s]+))/g))
            named.set(name.toLowerCase(), bare ?? (quoted ?? "").replace(/\\(.)/g, "$1"));
        if (url === undefined || named.get("rel") !== "ice-server" || !/^(stun|turn)s?:/.test(url)) continue;
        const server: RTCIceServer = { urls: url };
        const username = named.get("username");
        const credential = named.get("credential");
        if (username !== undefined) server.username = username;
        if (credential !== undefined) server.credential = credential;
        servers.push(server);
    }
    return servers;
}

const FRAGMENT = "application/trickle-ice-sdpfrag";
/** For how long one attempt to tell the gateway something is waited for: a network that has just changed lets requests hang. */
const ATTEMPT_MS = 4_000;
