import assert from "node:assert/strict";
import { test } from "node:test";

import { credentials, fragment, restarted } from "../src/fragment";
import { iceServers } from "../src/resource";
import { ANSWER } from "./fakes";

test("a restart changes credentials and candidates and nothing else", () => {
    const answered = "a=ice-ufrag:u\r\na=ice-pwd:p\r\nm=audio 9 X 0\r\na=mid:0\r\na=candidate:7 1 udp 7 192.0.2.7 7 typ host\r\na=end-of-candidates\r\n";
    const lines = (sdp: string): string[] => sdp.split("\r\n").filter((line) => !/^a=(ice-|candidate|end-of)/.test(line));
    const changed = restarted(ANSWER, answered);
    assert.deepEqual(lines(changed), lines(ANSWER));
    assert.deepEqual(credentials(changed), { ufrag: "u", pwd: "p" });
    assert.equal(changed.match(/a=candidate/g)?.length, 1);
    assert.equal(restarted(ANSWER, "nothing of use"), ANSWER);
});

test("candidates of a bundle stand in its first section", () => {
    const two = `${ANSWER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\na=ice-ufrag:gw1\r\na=ice-pwd:gatewaypassword1\r\n`;
    const changed = restarted(two, "a=ice-ufrag:u\r\na=ice-pwd:p\r\na=candidate:7 1 udp 7 192.0.2.7 7 typ host\r\n");
    assert.ok(changed.indexOf("a=candidate:7") < changed.indexOf("m=application"));
    assert.equal(changed.match(/a=ice-ufrag:u/g)?.length, 2);
});

test("a fragment names the session that its candidates are of", () => {
    const local = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:audio\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\n";
    const expected = "a=ice-ufrag:x\r\na=ice-pwd:y\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:audio\r\na=candidate:1\r\na=end-of-candidates\r\n";
    assert.equal(fragment(local, ["candidate:1"], true), expected);
});

test("links that are no servers are passed over", () => {
    assert.deepEqual(iceServers(""), []);
    assert.deepEqual(iceServers('<https://x>; rel="ice-server", <stun:s>; rel=other, <stun:t>;rel=ice-server, <turns:u:5349>; username="a\\"b"; rel="ice-server"'), [
        { urls: "stun:t" },
        { urls: "turns:u:5349", username: 'a"b' },
    ]);
});
