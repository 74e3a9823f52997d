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

globalThis.page = { start, heard, recorded, pair, seen: () => seen, hangUp: () => talk.hangUp() };
