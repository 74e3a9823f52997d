// The page of `line.mjs`: calls by the SDK, and says what it hears.
import { call } from "/auricle.js";

const seen = { states: [], messages: [], ended: null };
let talk = null;
let connection = null;
let analyser = null;

/** Calls; `policy` is that of ICE. */
function start(endpoint, token, policy) {
    const Native = globalThis.RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Native {
        constructor(configuration) {
            super({ ...configuration, iceTransportPolicy: policy });
            connection = this;
        }
    };
    // A tone is noise to whoever suppresses noise.
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    talk = call({ endpoint, token, audio });
    talk.on("state", (state) => seen.states.push(state));
    talk.on("message", (message) => seen.messages.push(message));
    talk.on("ended", (end) => (seen.ended = { reason: end.reason, error: end.error === undefined ? null : String(end.error) }));
}

/** The strongest frequency of what is heard, and by how many dB it stands above the strongest that is not around it. */
function heard() {
    if (!talk?.remote) return { hz: 0, above: 0 };
    if (analyser === null) {
        const context = new AudioContext();
        analyser = new AnalyserNode(context, { fftSize: 16_384, smoothingTimeConstant: 0 });
        context.createMediaStreamSource(talk.remote).connect(analyser);
        void context.resume();
    }
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const peak = bins.reduce((best, level, at) => (level > bins[best] ? at : best), 0);
    const rest = Math.max(...bins.filter((_, at) => Math.abs(at - peak) > 12));
    if (bins[peak] < -60 || !Number.isFinite(bins[peak])) return { hz: 0, above: 0 };
    return { hz: (peak * analyser.context.sampleRate) / analyser.fftSize, above: bins[peak] - rest };
}

/** By which pair of candidates media goes. */
async function pair() {
    const stats = [...(await connection.getStats()).values()];
    const transport = stats.find((one) => one.type === "transport");
    const chosen = stats.find((one) => one.id === transport?.selectedCandidatePairId) ?? stats.find((one) => one.type === "candidate-pair" && one.selected);
    const side = (id) => stats.find((one) => one.id === id);
    const told = (one) => one && { kind: one.candidateType, protocol: one.protocol, address: one.address, relay: one.relayProtocol, ufrag: one.usernameFragment };
    return chosen ? { local: told(side(chosen.localCandidateId)), remote: told(side(chosen.remoteCandidateId)) } : null;
}

/** The same of a recording, for a browser that has no loudspeaker and lets no audio context run without one. */
async function recorded(ms) {
    const recorder = new MediaRecorder(talk.remote);
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const over = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    await new Promise((resolve) => setTimeout(resolve, ms));
    recorder.stop();
    await over;
    const sound = await new OfflineAudioContext(1, 1, 48_000).decodeAudioData(await new Blob(parts).arrayBuffer());
    const samples = sound.getChannelData(0).slice(-24_000);
    const level = (hz) => {
        let [real, imaginary] = [0, 0];
        for (const [at, sample] of samples.entries()) {
            const window = 1 - Math.cos((2 * Math.PI * at) / samples.length);
            real += window * sample * Math.cos((2 * Math.PI * hz * at) / 48_000);
            imaginary += window * sample * Math.sin((2 * Math.PI * hz * at) / 48_000);
        }
        return 10 * Math.log10((real * real + imaginary * imaginary) / samples.length ** 2 + 1e-12);
    };
    const levels = Array.from({ length: 200 }, (_, step) => level(step * 10));
    const peak = levels.reduce((best, one, at) => (one > levels[best] ? at : best), 0);
    return { hz: peak * 10, above: levels[peak] - Math.max(...levels.filter((_, at) => Math.abs(at - peak) > 3)), seconds: sound.duration };
}

/**
 * The microphone, the same through another connection within this page, and the same through the gateway and its echoing agent, of the
 * same moments: 16 bits at 48 kHz, base 64. What the second and the third have in common is the browser's own.
 */
async function record(endpoint, token, seconds) {
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    const direct = await loop(microphone);
    talk = call({ endpoint, token, stream: microphone });
    talk.on("state", (state) => seen.states.push(state));
    while (!talk.remote) await new Promise((resolve) => setTimeout(resolve, 20));
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.audioWorklet.addModule("/recorder.js");
    const recorder = new AudioWorkletNode(context, "recorder", { numberOfInputs: 3, channelCount: 1, channelCountMode: "explicit" });
    for (const [input, stream] of [microphone, direct, talk.remote].entries()) context.createMediaStreamSource(stream).connect(recorder, 0, input);
    recorder.connect(context.destination);
    const tracks = [[], [], []];
    recorder.port.onmessage = ({ data }) => data.forEach((part, input) => tracks[input].push(part));
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    recorder.port.onmessage = null;
    const octets = (parts) => new Uint8Array(Int16Array.from(parts.flatMap((part) => [...part]), (sample) => Math.round(sample * 32_767)).buffer);
    const written = (parts) => {
        let text = "";
        const all = octets(parts);
        for (let at = 0; at < all.length; at += 32_768) text += String.fromCharCode(...all.subarray(at, at + 32_768));
        return btoa(text);
    };
    return tracks.map(written);
}

/** A stream as it comes out of a connection of the page with itself. */
async function loop(stream) {
    const [one, other] = [new RTCPeerConnection(), new RTCPeerConnection()];
    one.onicecandidate = ({ candidate }) => candidate && other.addIceCandidate(candidate);
    other.onicecandidate = ({ candidate }) => candidate && one.addIceCandidate(candidate);
    const heard = new Promise((resolve) => (other.ontrack = ({ streams }) => resolve(streams[0])));
    stream.getTracks().forEach((track) => one.addTrack(track, stream));
    await one.setLocalDescription();
    await other.setRemoteDescription(one.localDescription);
    await other.setLocalDescription();
    await one.setRemoteDescription(other.localDescription);
    const out = new Audio();
    out.srcObject = await heard;
    void out.play();
    // Both live as long as the page.
    globalThis.looped = [one, other, out];
    return out.srcObject;
}

globalThis.page = { start, record, heard, recorded, pair, seen: () => seen, hangUp: () => talk.hangUp() };
