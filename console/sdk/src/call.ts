// One call: its peer connection, its session at the gateway, and what happens when the network goes away.

import { Emitter } from "./emitter";
import { fragment, restarted } from "./fragment";
import { Meter } from "./level";
import { MicrophoneError, microphone, stop } from "./microphone";
import { HttpError, Resource, type Token } from "./resource";

export type CallState = "connecting" | "connected" | "reconnecting" | "ended";

/** Why a call is over: this side hung up, the other side did, the network was away for too long, the gateway said no, or the browser has no microphone. */
export type EndReason = "hung_up" | "remote" | "lost" | "refused" | "no_microphone" | "failed";

export interface End {
    reason: EndReason;
    /** What the gateway or the browser said, if anything. */
    error?: unknown;
}

/** What the gateway tells on the call's data channel: `type` names it. */
export type GatewayMessage = { type: string } & Record<string, unknown>;

export interface CallEvents {
    state: CallState;
    /** Live transcript, turn state and whatever else the gateway tells. */
    message: GatewayMessage;
    /** The microphone was unplugged or taken away: nothing is sent until another is chosen. */
    microphone_lost: undefined;
    /** The browser plays nothing without a click: call `play()` within one. */
    play_refused: unknown;
    ended: End;
}

export interface CallOptions {
    /** The WHIP or WHEP endpoint: `/v1/whip/reception`. */
    endpoint: string;
    /** The bearer token, or what gets one: it is asked before each request, but no more once a `wt_` token has made the call. */
    token: Token;
    /** What is asked of the microphone. Default: echo cancelled, noise suppressed, level kept. */
    audio?: MediaTrackConstraints;
    /** A stream in place of the microphone; it stays the page's and is not stopped. */
    stream?: MediaStream;
    /** Where the other side is played; the standard device when absent. */
    speaker?: string;
    /** Beside those that the gateway names. */
    iceServers?: RTCIceServer[];
    /** For how long a lost connection is sought, in milliseconds. Default 30 000. */
    patienceMs?: number;
}

export interface Levels {
    /** Of this side, 0 to 1; nought while muted. */
    microphone: number;
    /** Of the other side. */
    speaker: number;
}

/** Calls. Resolves with the call at once: `state` tells how it goes on. Begin it within a click, or the browser plays nothing. */
export function call(options: CallOptions): Call {
    return new Call(options, true);
}

/** Listens to a call by WHEP: nothing is sent. */
export function listen(options: Omit<CallOptions, "audio" | "stream">): Call {
    return new Call(options, false);
}

export class Call extends Emitter<CallEvents> {
    readonly #options: CallOptions;
    readonly #resource: Resource;
    readonly #peer: RTCPeerConnection;
    readonly #stopping = new AbortController();
    readonly #player = new Audio();
    readonly #context = typeof AudioContext === "undefined" ? null : new AudioContext();
    readonly #meters: { microphone: Meter; speaker: Meter } | null;
    #channel: RTCDataChannel | null = null;
    /** Those that are open: two while one takes the place of the other. */
    readonly #microphones = new Set<MediaStream>();
    #choice = 0;
    #sender: RTCRtpSender | null = null;
    #state: CallState = "connecting";
    #muted = false;
    #answer = "";
    #candidates: string[] = [];
    #gathered = false;
    #sending: Promise<void> = Promise.resolve();
    #restarting = false;
    #lostTimer: ReturnType<typeof setTimeout> | null = null;
    #nudge: ReturnType<typeof setTimeout> | null = null;

    constructor(options: CallOptions, speaks: boolean) {
        super();
        this.#options = options;
        this.#resource = new Resource(options.endpoint, options.token);
        this.#peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: options.iceServers ?? [] });
        this.#meters = this.#context && { microphone: new Meter(this.#context), speaker: new Meter(this.#context) };
        this.#player.autoplay = true;
        if (options.speaker !== undefined) void this.setSpeaker(options.speaker).catch(() => {});
        this.#listenToPeer();
        for (const source of networkNews()) source.addEventListener(source === globalThis ? "online" : "change", this.#networkChanged);
        globalThis.addEventListener?.("pagehide", this.#leave);
        void this.#begin(speaks).catch((error: unknown) => this.#end(endOf(error)));
    }

    get state(): CallState {
        return this.#state;
    }

    get muted(): boolean {
        return this.#muted;
    }

    /** What the other side sends, for a page that plays it otherwise. */
    get remote(): MediaStream | null {
        return this.#player.srcObject as MediaStream | null;
    }

    /** Sends silence instead of the microphone, or the microphone again. */
    mute(muted: boolean): void {
        this.#muted = muted;
        for (const stream of this.#microphones) for (const track of stream.getAudioTracks()) track.enabled = !muted;
    }

    /** Presses keys, `0` to `9`, `*`, `#`, `A` to `D`: as telephone-events where those were agreed on, else by the data channel. */
    press(keys: string): void {
        const dtmf = this.#sender?.dtmf;
        // What is inserted replaces what still waits.
        if (dtmf?.canInsertDTMF) dtmf.insertDTMF(dtmf.toneBuffer + keys, 160, 70);
        else if (!this.send({ type: "dtmf", digits: keys })) throw new Error("this call takes no keys");
    }

    /** Speaks into another microphone from now on; the standard one where no name is given. Of several wishes the last holds. */
    async setMicrophone(deviceId: string): Promise<void> {
        if (this.#sender === null || this.#options.stream !== undefined) throw new Error("this call has no microphone of its own");
        const choice = ++this.#choice;
        const { deviceId: _, ...wanted } = this.#options.audio ?? {};
        const stream = await microphone(deviceId === "" ? wanted : { ...wanted, deviceId: { exact: deviceId } });
        if (this.#stopping.signal.aborted || choice !== this.#choice) return stop(stream);
        const former = [...this.#microphones];
        // Muted, if so, before the first sound of it is sent.
        this.#use(stream);
        try {
            await this.#sender.replaceTrack(stream.getAudioTracks()[0] ?? null);
        } catch (error) {
            this.#leaveOff(stream);
            throw error;
        }
        for (const one of former) this.#leaveOff(one);
        if (this.#microphones.has(stream)) this.#meters?.microphone.watch(stream);
    }

    /** Plays the other side: to be called within a click when the browser had refused. */
    async play(): Promise<void> {
        await this.#player.play();
        await this.#context?.resume();
    }

    /** Plays the other side elsewhere; browsers without a choice of devices reject. */
    async setSpeaker(deviceId: string): Promise<void> {
        if (typeof this.#player.setSinkId !== "function") throw new Error("this browser plays on its standard device alone");
        await this.#player.setSinkId(deviceId);
    }

    /** How loud both sides are, now. */
    levels(): Levels {
        if (this.#meters === null || this.#state === "ended") return { microphone: 0, speaker: 0 };
        return { microphone: this.#muted ? 0 : this.#meters.microphone.read(), speaker: this.#meters.speaker.read() };
    }

    /** What the browser measured of the connection. */
    stats(): Promise<RTCStatsReport> {
        return this.#peer.getStats();
    }

    /** Tells the gateway something on the data channel; false where there is none. */
    send(message: GatewayMessage): boolean {
        if (this.#channel?.readyState !== "open") return false;
        this.#channel.send(JSON.stringify(message));
        return true;
    }

    hangUp(): void {
        this.#end({ reason: "hung_up" });
    }

    async #begin(speaks: boolean): Promise<void> {
        if (speaks) {
            const stream = this.#options.stream ?? (await microphone(this.#options.audio ?? {}));
            if (this.#stopping.signal.aborted) return this.#options.stream ? undefined : stop(stream);
            this.#use(stream);
            this.#meters?.microphone.watch(stream);
            const track = stream.getAudioTracks()[0];
            if (!track) throw new MicrophoneError(null);
            this.#sender = this.#peer.addTransceiver(track, { direction: "sendrecv", streams: [stream] }).sender;
            this.#listenToChannel(this.#peer.createDataChannel(CHANNEL));
        } else {
            this.#peer.addTransceiver("audio", { direction: "recvonly" });
        }
        const offer = await this.#peer.createOffer();
        const answered = await this.#resource.begin(offer.sdp ?? "", this.#stopping.signal);
        if (this.#stopping.signal.aborted) return this.#resource.end();
        if (answered.iceServers.length > 0) {
            // Before candidates are gathered, so that relayed ones are among them (RFC 9725 §4.6).
            this.#peer.setConfiguration({ ...this.#peer.getConfiguration(), iceServers: [...(this.#options.iceServers ?? []), ...answered.iceServers] });
        }
        await this.#peer.setLocalDescription(offer);
        this.#answer = answered.sdp;
        await this.#peer.setRemoteDescription({ type: "answer", sdp: answered.sdp });
        this.#awaitNetwork();
    }

    #listenToPeer(): void {
        const peer = this.#peer;
        peer.addEventListener("icecandidate", ({ candidate }) => {
            if (candidate === null || candidate.candidate === "") this.#gathered = true;
            else this.#candidates.push(candidate.candidate);
            this.#trickle();
        });
        peer.addEventListener("track", ({ streams, track }) => {
            const stream = streams[0] ?? new MediaStream([track]);
            this.#player.srcObject = stream;
            this.#meters?.speaker.watch(stream);
            void this.#player.play().catch((error: unknown) => {
                // Another stream took this one's place: that one is played.
                const replaced = error instanceof DOMException && error.name === "AbortError";
                if (!replaced && this.#state !== "ended") this.emit("play_refused", error);
            });
        });
        peer.addEventListener("connectionstatechange", () => {
            switch (peer.connectionState) {
                case "connected":
                    return this.#connected();
                case "disconnected":
                    // Often it comes back by itself; a restart a moment later costs nothing that works.
                    this.#awaitNetwork();
                    return this.#restartIn(DISCONNECTED_MS);
                case "failed":
                    return this.#restart();
                default:
            }
        });
        peer.addEventListener("datachannel", ({ channel }) => this.#listenToChannel(channel));
    }

    #listenToChannel(channel: RTCDataChannel): void {
        this.#channel = channel;
        channel.addEventListener("message", ({ data }) => {
            const message = parsed(data);
            if (message) this.emit("message", message);
        });
        let opened = channel.readyState === "open";
        channel.addEventListener("open", () => (opened = true));
        channel.addEventListener("close", () => {
            // The other side closes it when it hangs up; a network that is away closes nothing. One that never opened was not agreed on.
            if (opened && this.#state !== "ended") this.#end({ reason: "remote" });
        });
    }

    /** Sends what was found since the last time, one request after the other. */
    #trickle(): void {
        this.#sending = this.#sending.then(async () => {
            if (!this.#resource.trickles || this.#restarting || (this.#candidates.length === 0 && !this.#gathered)) return;
            const found = this.#candidates.splice(0);
            const last = this.#gathered;
            this.#gathered = false;
            const local = this.#peer.localDescription?.sdp ?? "";
            // A candidate that does not get there is one way less; ICE judges whether any is left.
            await this.#resource.trickle(fragment(local, found, last)).catch(() => {});
        });
    }

    #connected(): void {
        this.#clearTimers();
        this.#become("connected");
        void this.#context?.resume().catch(() => {});
    }

    readonly #networkChanged = (): void => {
        if (this.#state !== "ended" && this.#answer !== "") this.#restart();
    };

    readonly #leave = (): void => this.hangUp();

    /** From here on there is so much time for a connection. */
    #awaitNetwork(): void {
        if (this.#state === "ended") return;
        if (this.#state === "connected") this.#become("reconnecting");
        this.#lostTimer ??= setTimeout(
            () => this.#end({ reason: this.#state === "connecting" ? "failed" : "lost" }),
            this.#options.patienceMs ?? PATIENCE_MS,
        );
    }

    /** ICE starts anew on whatever network there is now (RFC 9725 §4.3.3); without one it is tried again. */
    #restart(): void {
        if (this.#restarting || this.#state === "ended" || this.#answer === "") return;
        // On a way that serves, nothing is awaited: the browser tells when it is lost, and never again that it stands.
        if (this.#peer.connectionState !== "connected") this.#awaitNetwork();
        if (this.#nudge !== null) clearTimeout(this.#nudge);
        this.#nudge = null;
        this.#restarting = true;
        void this.#restartOnce()
            .catch((error: unknown) => {
                const gone = error instanceof HttpError && error.status >= 400 && error.status < 500 && error.status !== 429;
                if (gone) return this.#end({ reason: error.status === 404 || error.status === 410 ? "remote" : "refused", error });
                this.#restartIn(RETRY_MS);
            })
            .finally(() => {
                this.#restarting = false;
                this.#trickle();
            });
    }

    #restartIn(ms: number): void {
        if (this.#state === "ended") return;
        this.#nudge ??= setTimeout(() => {
            this.#nudge = null;
            this.#restart();
        }, ms);
    }

    async #restartOnce(): Promise<void> {
        const peer = this.#peer;
        if (peer.signalingState !== "stable") await peer.setLocalDescription({ type: "rollback" });
        this.#candidates = [];
        this.#gathered = false;
        await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
        const answered = await this.#resource.restart(fragment(peer.localDescription?.sdp ?? "", [], false), this.#stopping.signal);
        if (this.#stopping.signal.aborted) return;
        this.#answer = restarted(this.#answer, answered);
        await peer.setRemoteDescription({ type: "answer", sdp: this.#answer });
    }

    #use(stream: MediaStream): void {
        this.#microphones.add(stream);
        for (const track of stream.getAudioTracks()) {
            // Not told of a track that is stopped here.
            track.addEventListener("ended", () => this.#microphones.has(stream) && this.emit("microphone_lost", undefined));
        }
        this.mute(this.#muted);
    }

    #leaveOff(stream: MediaStream): void {
        this.#microphones.delete(stream);
        if (this.#options.stream === undefined) stop(stream);
    }

    #become(state: CallState): void {
        if (this.#state === state) return;
        this.#state = state;
        this.emit("state", state);
    }

    #clearTimers(): void {
        for (const timer of [this.#lostTimer, this.#nudge]) if (timer !== null) clearTimeout(timer);
        this.#lostTimer = this.#nudge = null;
    }

    #end(end: End): void {
        if (this.#state === "ended") return;
        this.#become("ended");
        this.#clearTimers();
        this.#stopping.abort();
        for (const source of networkNews()) source.removeEventListener(source === globalThis ? "online" : "change", this.#networkChanged);
        globalThis.removeEventListener?.("pagehide", this.#leave);
        for (const stream of [...this.#microphones]) this.#leaveOff(stream);
        this.#player.srcObject = null;
        this.#peer.close();
        void this.#context?.close().catch(() => {});
        void this.#resource.end();
        this.emit("ended", end);
    }
}

function endOf(error: unknown): End {
    if (error instanceof MicrophoneError) return { reason: "no_microphone", error: error.cause };
    return { reason: error instanceof HttpError && error.status > 0 ? "refused" : "failed", error };
}

function parsed(data: unknown): GatewayMessage | null {
    try {
        const message: unknown = JSON.parse(String(data));
        return typeof message === "object" && message !== null && "type" in message && typeof message.type === "string" ? (message as GatewayMessage) : null;
    } catch {
        return null;
    }
}

/** What tells of another network. */
function networkNews(): EventTarget[] {
    const connection = (globalThis.navigator as { connection?: EventTarget } | undefined)?.connection;
    return [globalThis as unknown as EventTarget, ...(connection ? [connection] : [])].filter((source) => typeof source.addEventListener === "function");
}

const CHANNEL = "auricle";
const DISCONNECTED_MS = 2_000;
const RETRY_MS = 2_000;
const PATIENCE_MS = 30_000;
