// A browser and a gateway, both strict: what a real one would refuse throws here, and what is asked is written down.

export interface Asked {
    method: string;
    url: string;
    headers: Record<string, string>;
    body: string;
    keepalive: boolean;
}

type Handler = (asked: Asked) => Response | Promise<Response>;

/** The gateway's side of RFC 9725, as strict as it says. */
export class Gateway {
    asked: Asked[] = [];
    tag = 1;
    refuse: Handler | null = null;
    link = "";
    takes = (authorization: string): boolean => authorization === "Bearer token";
    readonly session = "/v1/whip/session/abc";

    readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
        const headers = Object.fromEntries(new Headers(init.headers).entries());
        const asked: Asked = { method: init.method ?? "GET", url: new URL(url, "http://gw.test").pathname, headers, body: String(init.body ?? ""), keepalive: init.keepalive === true };
        this.asked.push(asked);
        if (init.signal?.aborted) throw new DOMException("aborted", "AbortError");
        if (!this.takes(headers["authorization"] ?? "")) return new Response("{}", { status: 401 });
        const gone = new Promise<never>((_, reject) => {
            // The answer to an offer is on its way already when the page gives up on it: the hardest case.
            if (asked.method !== "POST") init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
        });
        const refused = await Promise.race([this.refuse?.(asked), gone]);
        return refused ?? this.#answer(asked);
    };

    #answer(asked: Asked): Response {
        if (asked.method === "POST") {
            if (asked.headers["content-type"] !== "application/sdp" || !asked.body.includes("m=audio")) return new Response("", { status: 415 });
            return new Response(ANSWER, {
                status: 201,
                headers: { location: this.session, etag: `"${this.tag}"`, "content-type": "application/sdp", ...(this.link === "" ? {} : { link: this.link }) },
            });
        }
        if (asked.url !== this.session) return new Response("", { status: 404 });
        if (asked.method === "DELETE") return new Response(null, { status: 200 });
        if (asked.method !== "PATCH" || asked.headers["content-type"] !== "application/trickle-ice-sdpfrag") return new Response("", { status: 405 });
        const match = asked.headers["if-match"];
        if (match === "*") {
            this.tag += 1;
            return new Response("a=ice-ufrag:new2\r\na=ice-pwd:newpassword22\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=candidate:9 1 udp 9 192.0.2.9 9 typ host\r\na=end-of-candidates\r\n", {
                status: 200,
                headers: { etag: `"${this.tag}"` },
            });
        }
        if (match === undefined) return new Response("", { status: 428 });
        if (match !== `"${this.tag}"`) return new Response("", { status: 412 });
        return new Response(null, { status: 204 });
    }

    of(method: string): Asked[] {
        return this.asked.filter((asked) => asked.method === method);
    }
}

export const ANSWER = [
    "v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=ice-ufrag:gw1", "a=ice-pwd:gatewaypassword1", "a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "a=rtpmap:111 opus/48000/2", "",
].join("\r\n");

export class FakeTrack extends EventTarget {
    enabled = true;
    stopped = false;
    readonly kind = "audio";
    stop(): void {
        this.stopped = true;
    }
}

export class FakeStream {
    readonly tracks: FakeTrack[];
    constructor(tracks: FakeTrack[] = [new FakeTrack()]) {
        this.tracks = tracks;
    }
    getTracks(): FakeTrack[] {
        return this.tracks;
    }
    getAudioTracks(): FakeTrack[] {
        return this.tracks;
    }
}

export class FakeChannel extends EventTarget {
    readyState = "connecting";
    sent: string[] = [];
    constructor(readonly label: string) {
        super();
    }
    send(data: string): void {
        if (this.readyState !== "open") throw new DOMException("not open", "InvalidStateError");
        this.sent.push(data);
    }
    opens(): void {
        this.readyState = "open";
        this.dispatchEvent(new Event("open"));
    }
    closes(): void {
        this.readyState = "closed";
        this.dispatchEvent(new Event("close"));
    }
    hear(data: unknown): void {
        this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(data) }));
    }
}

export class FakePeer extends EventTarget {
    static made: FakePeer[] = [];
    connectionState = "new";
    signalingState = "stable";
    localDescription: { type: string; sdp: string } | null = null;
    remoteDescription: { type: string; sdp: string } | null = null;
    configuration: RTCConfiguration;
    channel: FakeChannel | null = null;
    keys: string[] = [];
    takesKeys = true;
    replaced: FakeTrack[] = [];
    /** Whether each of those would have been heard at once. */
    replacedAloud: boolean[] = [];
    replacing: Promise<void> = Promise.resolve();
    log: string[] = [];
    #session = 0;

    constructor(configuration: RTCConfiguration) {
        super();
        this.configuration = configuration;
        FakePeer.made.push(this);
    }

    addTransceiver(_track: unknown, init: { direction: string }): unknown {
        this.log.push(`transceiver ${init.direction}`);
        const insert = (tones: string): void => void this.keys.push(tones);
        const takes = (): boolean => this.takesKeys;
        const dtmf = {
            get canInsertDTMF() {
                return takes();
            },
            toneBuffer: "",
            insertDTMF: insert,
        };
        const replaceTrack = async (track: FakeTrack): Promise<void> => {
            this.replaced.push(track);
            this.replacedAloud.push(track.enabled);
            await this.replacing;
        };
        return { sender: { dtmf, replaceTrack } };
    }

    createDataChannel(label: string): FakeChannel {
        this.#alive();
        this.channel = new FakeChannel(label);
        return this.channel;
    }

    async createOffer(options?: { iceRestart?: boolean }): Promise<{ type: string; sdp: string }> {
        this.#alive();
        if (options?.iceRestart === true || this.#session === 0) this.#session += 1;
        return { type: "offer", sdp: `v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:own${this.#session}\r\na=ice-pwd:ownpassword${this.#session}\r\n` };
    }

    getConfiguration(): RTCConfiguration {
        return this.configuration;
    }

    setConfiguration(configuration: RTCConfiguration): void {
        this.#alive();
        this.log.push(`servers ${(configuration.iceServers ?? []).length}`);
        this.configuration = configuration;
    }

    async setLocalDescription(description: { type: string; sdp: string }): Promise<void> {
        this.#alive();
        if (description.type === "rollback") {
            if (this.signalingState !== "have-local-offer") throw new DOMException("nothing to roll back", "InvalidStateError");
            this.signalingState = "stable";
            return;
        }
        if (this.signalingState !== "stable") throw new DOMException("an offer is out", "InvalidStateError");
        this.log.push("local");
        this.localDescription = description;
        this.signalingState = "have-local-offer";
    }

    async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
        this.#alive();
        if (this.signalingState !== "have-local-offer") throw new DOMException("no offer is out", "InvalidStateError");
        this.log.push("remote");
        this.remoteDescription = description;
        this.signalingState = "stable";
    }

    async getStats(): Promise<Map<string, unknown>> {
        return new Map();
    }

    close(): void {
        this.connectionState = "closed";
        this.signalingState = "closed";
    }

    found(candidate: string | null): void {
        const event = Object.assign(new Event("icecandidate"), { candidate: candidate === null ? null : { candidate } });
        this.dispatchEvent(event);
    }

    becomes(state: string): void {
        this.connectionState = state;
        this.dispatchEvent(new Event("connectionstatechange"));
    }

    #alive(): void {
        if (this.signalingState === "closed") throw new DOMException("closed", "InvalidStateError");
    }
}

export class Browser {
    microphone = new FakeStream();
    denied = false;
    asked: MediaTrackConstraints[] = [];
    /** What the browser says instead of playing. */
    plays: DOMException | null = null;
    played = 0;

    install(gateway: Gateway): void {
        FakePeer.made = [];
        const put = (name: string, value: unknown): void => void Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
        put("fetch", gateway.fetch);
        put("RTCPeerConnection", FakePeer);
        put("location", { href: "http://gw.test/phone" });
        const browser = this;
        put(
            "Audio",
            class {
                autoplay = false;
                srcObject: unknown = null;
                sink = "";
                async play(): Promise<void> {
                    browser.played += 1;
                    if (browser.plays !== null) throw browser.plays;
                }
                async setSinkId(id: string): Promise<void> {
                    this.sink = id;
                }
            },
        );
        const news = new EventTarget();
        put("addEventListener", news.addEventListener.bind(news));
        put("removeEventListener", news.removeEventListener.bind(news));
        put("dispatchEvent", news.dispatchEvent.bind(news));
        put("navigator", {
            mediaDevices: {
                getUserMedia: async ({ audio }: { audio: MediaTrackConstraints }) => {
                    this.asked.push(audio);
                    if (this.denied) throw new DOMException("denied", "NotAllowedError");
                    return this.microphone;
                },
            },
        });
    }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
    for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
}
