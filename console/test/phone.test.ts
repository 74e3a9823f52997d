import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Browser, FakePeer, FakeStream, Gateway, settled } from "../sdk/test/fakes";
import type { Tokens } from "../src/api/types";
import { Page } from "./fakes";

const page = new Page();
const browser = new Browser();
const gateway = new Gateway();
browser.install(gateway);
page.install();
// What the page asks goes to the one, the call to the other.
const [ofPage, ofCall] = [page.fetch, gateway.fetch];
globalThis.fetch = ((path: string, init: RequestInit) => (path.includes("/whip/") ? ofCall(path, init) : ofPage(path, init))) as typeof fetch;
gateway.takes = () => true;
const { busy, session, signOut, signedIn } = await import("../src/api/session");
const { chooseMicrophone, dial, hangUp, phone, playAfterAll } = await import("../src/phone");

const TOKENS: Tokens = { access_token: "at", access_expires_at: "", refresh_expires_at: "" };

beforeEach(async () => {
    gateway.asked = [];
    browser.denied = false;
    browser.plays = null;
    browser.microphone = new FakeStream();
    await signedIn(TOKENS);
    dial("reception");
    await settled();
    FakePeer.made.at(-1)?.becomes("connected");
});

test("who signs out leaves no call, no open microphone and no word of it behind", async () => {
    const channel = FakePeer.made.at(-1)?.channel;
    channel?.hear({ type: "transcript", speaker: "agent", text: "Good morning.", final: true });
    assert.deepEqual([phone.get().state, phone.get().lines.length, busy.get()], ["connected", 1, true]);
    signOut();
    await settled();
    assert.equal(session.get().phase, "signed_out");
    assert.deepEqual([phone.get().call, phone.get().state, phone.get().lines, phone.get().end, busy.get()], [null, "idle", [], null, false]);
    assert.equal(browser.microphone.tracks[0]?.stopped, true);
    assert.deepEqual(gateway.of("DELETE").map(({ headers }) => headers["authorization"]), ["Bearer wt_1"]);
});

test("what the browser does not do is told, until it does", async () => {
    browser.microphone.tracks[0]?.dispatchEvent(new Event("ended"));
    assert.equal(phone.get().trouble, "microphone_lost");
    browser.denied = true;
    chooseMicrophone("usb");
    await settled();
    assert.deepEqual([phone.get().trouble, phone.get().microphone], ["microphone_failed", ""]);
    browser.denied = false;
    chooseMicrophone("usb");
    await settled();
    assert.deepEqual([phone.get().trouble, phone.get().microphone], [null, "usb"]);
    browser.plays = new DOMException("no click", "NotAllowedError");
    FakePeer.made.at(-1)?.dispatchEvent(Object.assign(new Event("track"), { streams: [new FakeStream()], track: null }));
    await settled();
    assert.equal(phone.get().trouble, "play_refused");
    browser.plays = null;
    playAfterAll();
    await settled();
    assert.equal(phone.get().trouble, null);
    hangUp();
    assert.deepEqual([phone.get().call, phone.get().end?.reason], [null, "hung_up"]);
});
