import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Browser, FakePeer, Gateway, settled } from "../sdk/test/fakes";
import { Page, json } from "./fakes";

const page = new Page();
const gateway = new Gateway();
let contexts: { closed: boolean }[] = [];
new Browser().install(gateway);
page.install();
Object.defineProperty(globalThis, "AudioContext", {
    value: class {
        closed = false;
        constructor() {
            contexts.push(this);
        }
        createAnalyser(): object {
            return {};
        }
        async close(): Promise<void> {
            this.closed = true;
        }
        async resume(): Promise<void> {}
    },
});
const [ofPage, ofCall] = [page.fetch, gateway.fetch];
globalThis.fetch = ((path: string, init: RequestInit) => (/whep|session/.test(path) ? ofCall(path, init) : ofPage(path, init))) as typeof fetch;
gateway.takes = () => true;
const { listen } = await import("../src/call/listen");

let told: unknown[];
const begun = (): { stop: () => void } => listen("call_1", (failure) => told.push(failure));
const peer = (): FakePeer => FakePeer.made.at(-1) as FakePeer;

/** The other side ends it. */
async function ends(): Promise<void> {
    gateway.refuse = ({ method }) => (method === "PATCH" ? new Response("", { status: 404 }) : (null as unknown as Response));
    peer().becomes("failed");
    await settled();
    gateway.refuse = null;
    mock.timers.tick(1_000);
    await settled();
}

beforeEach(() => {
    told = [];
    contexts = [];
    page.asked.length = 0;
    gateway.asked = [];
    gateway.refuse = null;
    FakePeer.made = [];
});

test("listening can be stopped before it has come about, and leaves nothing behind", async () => {
    let answer: (() => void) | undefined;
    gateway.refuse = ({ method }) => (method === "POST" ? new Promise((resolve) => (answer = () => resolve(null as unknown as Response))) : (null as unknown as Response));
    const listening = begun();
    await settled();
    listening.stop();
    answer?.();
    await settled();
    assert.deepEqual([gateway.of("DELETE").length, peer().connectionState, page.asked, told], [1, "closed", [], []]);
    assert.ok(contexts.every(({ closed }) => closed));
});

test("what ends by itself is begun again once with a fresh token, and then told", async () => {
    begun();
    await settled();
    peer().becomes("connected");
    await ends();
    assert.deepEqual(gateway.of("POST").map(({ headers }) => headers["authorization"]), ["Bearer", "Bearer at_1"]);
    assert.deepEqual(told, []);
    peer().becomes("connected");
    await ends();
    assert.deepEqual([gateway.of("POST").length, told], [2, [null]]);
    assert.ok(contexts.every(({ closed }) => closed));
});

test("what was heard for a while may be begun again each time", async () => {
    const listening = begun();
    for (let time = 1; time < 4; time += 1) {
        await settled();
        peer().becomes("connected");
        mock.timers.tick(60_000);
        await ends();
        assert.equal(gateway.of("POST").length, time + 1);
    }
    listening.stop();
    await settled();
    assert.deepEqual(told, []);
});

test("what never comes about is told with its reason", async () => {
    gateway.refuse = ({ method }) => (method === "POST" ? new Response("", { status: 501 }) : (null as unknown as Response));
    page.refuse = ({ path }) => (path.endsWith("/listen") ? json({ error: { code: "FORBIDDEN" } }, 403) : null);
    begun();
    await settled();
    assert.deepEqual(told.map((failure) => (failure as { status: number }).status), [403]);
});
