import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { type Call, type End, call, listen } from "../src/index";
import { ANSWER, Browser, FakePeer, FakeStream, Gateway, settled } from "./fakes";

let gateway: Gateway;
let browser: Browser;
let made: Call[];

beforeEach(() => {
    gateway = new Gateway();
    browser = new Browser();
    browser.install(gateway);
    made = [];
    mock.timers.enable({ apis: ["setTimeout"] });
});

afterEach(() => {
    for (const one of made) one.hangUp();
    mock.timers.reset();
});

function peer(): FakePeer {
    const last = FakePeer.made.at(-1);
    assert.ok(last);
    return last;
}

async function begun(): Promise<{ made: Call; states: string[]; ends: End[] }> {
    const one = call({ endpoint: "/v1/whip/reception", token: "token" });
    made.push(one);
    const states: string[] = [];
    const ends: End[] = [];
    one.on("state", (state) => states.push(state));
    one.on("ended", (end) => ends.push(end));
    await settled();
    return { made: one, states, ends };
}

async function connected(): Promise<{ made: Call; states: string[]; ends: End[] }> {
    const all = await begun();
    peer().becomes("connected");
    return all;
}

test("a call is an offer, an answer and a connection", async () => {
    const { states } = await connected();
    assert.deepEqual(gateway.of("POST").map(({ url, headers }) => [url, headers["authorization"]]), [["/v1/whip/reception", "Bearer token"]]);
    assert.equal(peer().remoteDescription?.sdp, ANSWER);
    assert.deepEqual(peer().log, ["transceiver sendrecv", "local", "remote"]);
    assert.deepEqual(states, ["connected"]);
    assert.deepEqual(browser.asked, [{ echoCancellation: true, noiseSuppression: true, autoGainControl: true }]);
});

test("servers that the gateway names are known before candidates are gathered", async () => {
    gateway.link = '<stun:stun.example.net>; rel="ice-server", <turn:turn.example.net?transport=udp>; rel="ice-server"; username="17:u"; credential="s,e;c"; credential-type="password"';
    await begun();
    assert.deepEqual(peer().log, ["transceiver sendrecv", "servers 2", "local", "remote"]);
    assert.deepEqual(peer().configuration.iceServers, [{ urls: "stun:stun.example.net" }, { urls: "turn:turn.example.net?transport=udp", username: "17:u", credential: "s,e;c" }]);
});

test("candidates go out one request after the other, under the session's tag", async () => {
    await begun();
    peer().found("candidate:1 1 udp 1 192.0.2.5 5000 typ host");
    peer().found("candidate:2 1 udp 1 192.0.2.6 5000 typ host");
    await settled();
    peer().found(null);
    await settled();
    const patches = gateway.of("PATCH");
    assert.ok(patches.every(({ headers }) => headers["if-match"] === '"1"'));
    const all = patches.map(({ body }) => body).join("");
    assert.match(all, /^a=ice-ufrag:own1\r\na=ice-pwd:ownpassword1\r\nm=audio 9 UDP\/TLS\/RTP\/SAVPF 111\r\na=mid:0\r\na=candidate:1 /);
    assert.equal(all.match(/a=candidate:/g)?.length, 2);
    assert.ok(all.endsWith("a=end-of-candidates\r\n"));
});

test("hanging up ends the session, closes everything and is told once", async () => {
    const { made: one, states, ends } = await connected();
    one.hangUp();
    one.hangUp();
    await settled();
    assert.deepEqual(gateway.of("DELETE").map(({ url, keepalive }) => [url, keepalive]), [[gateway.session, true]]);
    assert.deepEqual([states, ends], [["connected", "ended"], [{ reason: "hung_up" }]]);
    assert.equal(peer().connectionState, "closed");
    assert.ok(browser.microphone.tracks[0]?.stopped);
});

test("who hangs up before the answer came leaves no session behind", async () => {
    let answer: (() => void) | undefined;
    gateway.refuse = ({ method }) => (method === "POST" ? new Promise((resolve) => (answer = () => resolve(null as unknown as Response))) : (null as unknown as Response));
    const { made: one, ends } = await begun();
    one.hangUp();
    answer?.();
    await settled();
    assert.equal(gateway.of("DELETE").length, 1);
    assert.deepEqual(ends.map(({ reason }) => reason), ["hung_up"]);
});

test("without a microphone nothing is asked of the gateway", async () => {
    browser.denied = true;
    const { ends } = await begun();
    assert.deepEqual(ends.map(({ reason }) => reason), ["no_microphone"]);
    assert.equal(gateway.asked.length, 0);
});

test("a gateway that refuses is told with its reason", async () => {
    gateway.refuse = () => new Response(JSON.stringify({ error: { code: "E", context: { reason: "no_capacity" } } }), { status: 503 });
    const { ends } = await begun();
    assert.equal(ends[0]?.reason, "refused");
    assert.match(String(ends[0]?.error), /status 503: no_capacity/);
});

test("an outage of five seconds resumes by a restart of ICE, and the call goes on", async () => {
    const { states, ends } = await connected();
    peer().becomes("disconnected");
    mock.timers.tick(2_000);
    await settled();
    const restart = gateway.of("PATCH").find(({ headers }) => headers["if-match"] === "*");
    assert.match(restart?.body ?? "", /a=ice-ufrag:own2\r\na=ice-pwd:ownpassword2/);
    const sdp = peer().remoteDescription?.sdp ?? "";
    assert.match(sdp, /a=ice-ufrag:new2\r\na=ice-pwd:newpassword22/);
    assert.ok(!sdp.includes("gw1") && !sdp.includes("192.0.2.1 1 typ") && sdp.includes("192.0.2.9") && sdp.includes("a=rtpmap:111"));
    mock.timers.tick(3_000);
    peer().becomes("connected");
    mock.timers.tick(60_000);
    await settled();
    assert.deepEqual([states, ends], [["connected", "reconnecting", "connected"], []]);
});

test("what is found after a restart goes out under the new tag", async () => {
    await connected();
    peer().becomes("failed");
    await settled();
    peer().found("candidate:3 1 udp 1 198.51.100.3 5000 typ host");
    await settled();
    const last = gateway.of("PATCH").at(-1);
    assert.equal(last?.headers["if-match"], '"2"');
    assert.match(last?.body ?? "", /a=ice-ufrag:own2[\s\S]*a=candidate:3 /);
});

test("a change of network restarts ICE at once", async () => {
    await connected();
    globalThis.dispatchEvent(new Event("online"));
    await settled();
    assert.equal(gateway.of("PATCH").filter(({ headers }) => headers["if-match"] === "*").length, 1);
});

test("a way that serves while the network changes is no outage, however long it goes on to serve", async () => {
    const { states, ends } = await connected();
    globalThis.dispatchEvent(new Event("online"));
    await settled();
    mock.timers.tick(120_000);
    await settled();
    assert.deepEqual([states, ends], [["connected"], []]);
});

test("a restart that is due while another is under way is not forgotten", async () => {
    await connected();
    let asked = 0;
    gateway.refuse = ({ method }) => {
        if (method !== "PATCH") return null as unknown as Response;
        asked += 1;
        return new Promise((_, reject) => setTimeout(() => reject(new TypeError("network")), 3_000));
    };
    globalThis.dispatchEvent(new Event("online"));
    await settled();
    peer().becomes("disconnected");
    for (let second = 0; second < 12; second += 1) {
        mock.timers.tick(1_000);
        await settled();
    }
    assert.ok(asked >= 3, String(asked));
});

test("a request that hangs holds up neither the next restart nor the candidates after it", async () => {
    const { ends } = await connected();
    const never = (): Promise<Response> => new Promise(() => {});
    gateway.refuse = ({ method }) => (method === "PATCH" ? never() : (null as unknown as Response));
    peer().found("candidate:1 1 udp 1 192.0.2.5 5000 typ host");
    await settled();
    peer().becomes("failed");
    await settled();
    for (let second = 0; second < 7; second += 1) {
        mock.timers.tick(1_000);
        await settled();
    }
    assert.equal(gateway.of("PATCH").filter(({ headers }) => headers["if-match"] === "*").length, 2);
    gateway.refuse = null;
    for (let second = 0; second < 7; second += 1) {
        mock.timers.tick(1_000);
        await settled();
    }
    peer().becomes("connected");
    peer().found("candidate:2 1 udp 1 192.0.2.6 5000 typ host");
    await settled();
    assert.match(gateway.of("PATCH").at(-1)?.body ?? "", /candidate:2/);
    assert.deepEqual(ends, []);
});

test("a token that makes one call steers that call to its end; any other kind is asked for anew", async () => {
    for (const [kind, used] of [["wt_", ["Bearer wt_1", "Bearer wt_1", "Bearer wt_1"]], ["at_", ["Bearer at_1", "Bearer at_2", "Bearer at_3"]]] as const) {
        gateway.asked = [];
        gateway.takes = (authorization) => authorization.startsWith(`Bearer ${kind}`);
        let given = 0;
        const one = call({ endpoint: "/v1/whip/reception", token: async () => `${kind}${(given += 1)}` });
        await settled();
        peer().becomes("connected");
        peer().becomes("failed");
        await settled();
        one.hangUp();
        await settled();
        assert.deepEqual(gateway.asked.map(({ headers }) => headers["authorization"]), used);
    }
});

test("a gateway that cannot be reached is tried again for thirty seconds, and then the call is lost", async () => {
    const { ends } = await connected();
    gateway.refuse = () => {
        throw new TypeError("network");
    };
    peer().becomes("failed");
    for (let second = 0; second < 29; second += 1) {
        await settled();
        mock.timers.tick(1_000);
    }
    assert.deepEqual(ends, []);
    assert.ok(gateway.of("PATCH").length > 5, String(gateway.of("PATCH").length));
    mock.timers.tick(1_000);
    assert.deepEqual(ends.map(({ reason }) => reason), ["lost"]);
});

test("a session that is gone ends the call as the other side's doing", async () => {
    const { ends } = await connected();
    gateway.refuse = ({ method }) => (method === "PATCH" ? new Response("", { status: 404 }) : (null as unknown as Response));
    peer().becomes("failed");
    await settled();
    assert.deepEqual(ends.map(({ reason }) => reason), ["remote"]);
});

test("a connection that never comes is given up", async () => {
    const { ends } = await begun();
    mock.timers.tick(30_000);
    assert.deepEqual(ends.map(({ reason }) => reason), ["failed"]);
});

test("muting silences the microphone that there is and the one that comes", async () => {
    const { made: one } = await connected();
    one.mute(true);
    assert.equal(browser.microphone.tracks[0]?.enabled, false);
    const before = browser.microphone;
    browser.microphone = new FakeStream();
    await one.setMicrophone("usb");
    assert.deepEqual(browser.asked.at(-1)?.deviceId, { exact: "usb" });
    assert.deepEqual([before.tracks[0]?.stopped, browser.microphone.tracks[0]?.enabled, peer().replacedAloud], [true, false, [false]]);
    one.mute(false);
    assert.equal(browser.microphone.tracks[0]?.enabled, true);
});

test("the standard microphone is asked for by no name", async () => {
    const one = call({ endpoint: "/v1/whip/reception", token: "token", audio: { deviceId: { exact: "usb" } } });
    made.push(one);
    await settled();
    browser.microphone = new FakeStream();
    await one.setMicrophone("");
    assert.deepEqual([browser.asked[0]?.deviceId, browser.asked[1]?.deviceId], [{ exact: "usb" }, undefined]);
});

test("hanging up while the microphone is changed leaves none open, and of two changes the later holds", async () => {
    const { made: one } = await connected();
    const streams = [browser.microphone, new FakeStream(), new FakeStream()];
    let replaced: (() => void) | undefined;
    peer().replacing = new Promise((resolve) => (replaced = resolve));
    browser.microphone = streams[1] as FakeStream;
    const first = one.setMicrophone("usb");
    await settled();
    browser.microphone = streams[2] as FakeStream;
    const second = one.setMicrophone("head");
    await settled();
    const stopped = (): (boolean | undefined)[] => streams.map((stream) => stream.tracks[0]?.stopped);
    assert.deepEqual(stopped(), [false, false, false]);
    replaced?.();
    await Promise.all([first, second]);
    assert.deepEqual(stopped(), [true, true, false]);
    peer().replacing = new Promise(() => {});
    browser.microphone = new FakeStream();
    void one.setMicrophone("usb");
    await settled();
    one.hangUp();
    assert.deepEqual([...stopped(), browser.microphone.tracks[0]?.stopped], [true, true, true, true]);
});

test("a microphone that is unplugged is told of, one that is changed is not", async () => {
    const { made: one } = await connected();
    let lost = 0;
    one.on("microphone_lost", () => (lost += 1));
    const before = browser.microphone;
    browser.microphone = new FakeStream();
    await one.setMicrophone("usb");
    before.tracks[0]?.dispatchEvent(new Event("ended"));
    assert.equal(lost, 0);
    browser.microphone.tracks[0]?.dispatchEvent(new Event("ended"));
    assert.equal(lost, 1);
});

test("a browser that plays nothing without a click is told of, and plays when asked within one", async () => {
    const { made: one } = await connected();
    const refused: unknown[] = [];
    one.on("play_refused", (error) => refused.push(error));
    const arrives = (): boolean => peer().dispatchEvent(Object.assign(new Event("track"), { streams: [new FakeStream()], track: null }));
    browser.plays = new DOMException("another stream", "AbortError");
    arrives();
    browser.plays = new DOMException("no click", "NotAllowedError");
    arrives();
    await settled();
    assert.deepEqual(refused, [browser.plays]);
    browser.plays = null;
    await one.play();
    assert.equal(browser.played, 3);
});

test("keys that are pressed go out as telephone events", async () => {
    const { made: one } = await connected();
    one.press("1");
    one.press("2#");
    assert.deepEqual(peer().keys, ["1", "2#"]);
});

test("without telephone-events keys go by the data channel, and without that nowhere in silence", async () => {
    const { made: one } = await connected();
    peer().takesKeys = false;
    assert.throws(() => one.press("1"), /takes no keys/);
    const channel = peer().channel;
    assert.ok(channel);
    channel.readyState = "open";
    one.press("12#");
    assert.deepEqual(channel.sent, ['{"type":"dtmf","digits":"12#"}']);
});

test("what the gateway tells is heard, and what is no message is passed over", async () => {
    const { made: one } = await connected();
    const heard: unknown[] = [];
    one.on("message", (message) => heard.push(message));
    const channel = peer().channel;
    assert.ok(channel);
    channel.hear({ type: "transcript", speaker: "agent", text: "Good morning." });
    channel.hear("no object");
    channel.hear({ no: "type" });
    channel.dispatchEvent(Object.assign(new Event("message"), { data: "{" }));
    assert.deepEqual(heard, [{ type: "transcript", speaker: "agent", text: "Good morning." }]);
    assert.equal(one.send({ type: "hello" }), false);
    channel.readyState = "open";
    assert.equal(one.send({ type: "hello" }), true);
    assert.deepEqual(channel.sent, ['{"type":"hello"}']);
});

test("when the gateway closes the channel the other side has hung up", async () => {
    const { ends } = await connected();
    peer().channel?.opens();
    peer().channel?.closes();
    assert.deepEqual(ends, [{ reason: "remote" }]);
});

test("a channel that the gateway does not take ends no call", async () => {
    const { ends } = await connected();
    peer().channel?.closes();
    assert.deepEqual(ends, []);
});

test("a listener sends nothing and needs no microphone", async () => {
    browser.denied = true;
    const one = listen({ endpoint: "/v1/whep/call_1", token: async () => "token" });
    made.push(one);
    await settled();
    assert.deepEqual(peer().log, ["transceiver recvonly", "local", "remote"]);
    assert.deepEqual(browser.asked, []);
    assert.throws(() => one.press("1"), /takes no keys/);
});
