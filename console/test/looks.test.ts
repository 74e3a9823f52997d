import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { settled } from "../sdk/test/fakes";
import { Page, json } from "./fakes";

const page = new Page();
page.install();
Object.defineProperty(globalThis, "document", { value: { visibilityState: "visible" } });
const { Looks } = await import("../src/looks");
const { withFirst, withNext } = await import("../src/pages_of");
const { learn } = await import("../src/people");
const { signedIn, signOut } = await import("../src/api/session");
const { onEvent } = await import("../src/api/events");

beforeEach(() => {
    page.refuse = () => null;
    page.asked.length = 0;
});

test("however many events come, a page looks once in a few seconds, and the last is seen", async () => {
    let looked = 0;
    const looks = new Looks(async () => void (looked += 1));
    looks.now();
    for (let tenth = 0; tenth < 600; tenth += 1) {
        await Promise.resolve();
        looks.soon();
        mock.timers.tick(100);
    }
    assert.ok(looked >= 12 && looked <= 16, String(looked));
    await settled();
    mock.timers.tick(4_000);
    const before = looked;
    await settled();
    looks.soon();
    mock.timers.tick(700);
    assert.equal(looked, before + 1);
    await settled();
    mock.timers.tick(60_000);
    assert.equal(looked, before + 1);
});

test("a look that takes long is not cut off by the next, but by another place", async () => {
    const signals: AbortSignal[] = [];
    let done: (() => void) | undefined;
    const looks = new Looks((signal) => {
        signals.push(signal);
        return new Promise((resolve) => (done = resolve));
    });
    looks.now();
    looks.soon();
    mock.timers.tick(30_000);
    assert.deepEqual(signals.map(({ aborted }) => aborted), [false]);
    done?.();
    await settled();
    mock.timers.tick(700);
    assert.equal(signals.length, 2);
    looks.now();
    assert.deepEqual(signals.map(({ aborted }) => aborted), [false, true, false]);
    looks.stop();
    assert.equal(signals[2]?.aborted, true);
});

const items = (...ids: number[]): { id: string }[] => ids.map((id) => ({ id: String(id) }));
const ids = (pages: { items: { id: string }[] } | null): string => pages?.items.map(({ id }) => id).join() ?? "";

test("pages stand one behind the other, each once, and behind the last comes nothing", () => {
    const first = withFirst(null, { items: items(9, 8, 7), next_cursor: "b" }, "");
    const second = withNext(first, { items: items(7, 6, 5), next_cursor: null }, "");
    assert.deepEqual([ids(second), second?.cursor], ["9,8,7,6,5", null]);
    const again = withFirst(second, { items: items(11, 10, 9), next_cursor: "c" }, "");
    assert.deepEqual([ids(again), again.cursor], ["11,10,9,8,7,6,5", null]);
});

test("where so much is new that some may be missing in between, the list begins anew", () => {
    const first = withFirst(null, { items: items(3, 2, 1), next_cursor: "a" }, "");
    assert.deepEqual(withFirst(first, { items: items(9, 8, 7), next_cursor: "b" }, ""), { of: "", items: items(9, 8, 7), cursor: "b" });
});

test("a page of another search is not taken", () => {
    const first = withFirst(null, { items: items(1), next_cursor: "a" }, "ana");
    assert.equal(withNext(first, { items: items(2), next_cursor: null }, "bob"), first);
    assert.equal(ids(withFirst(first, { items: items(2), next_cursor: null }, "bob")), "2");
});

test("a name that could not be had is asked for again later, one that is not to be had is not", async () => {
    page.me = { permissions: ["patients:read"], user: null };
    await signedIn({ access_token: "at", access_expires_at: "", refresh_expires_at: "" });
    for (const [id, status, times] of [["pat_1", 503, 2], ["pat_2", 404, 1]] as const) {
        page.refuse = ({ path }) => (path.includes(id) ? json({}, status) : null);
        await learn(id);
        await learn(id);
        assert.equal(page.of(`/v1/patients/${id}`).length, 1);
        mock.timers.tick(20_000);
        await learn(id);
        assert.equal(page.of(`/v1/patients/${id}`).length, times);
    }
    signOut();
});

test("what was looked up before the stream of events stood is looked up again", async () => {
    const told: string[] = [];
    const end = onEvent(({ type }) => told.push(type));
    page.me = { permissions: ["events:read"], user: null };
    page.refuse = ({ path }) => (path === "/v1/events" ? new Response(new ReadableStream()) : null);
    await signedIn({ access_token: "at", access_expires_at: "", refresh_expires_at: "" });
    await settled();
    assert.deepEqual(told, ["resync"]);
    end();
    signOut();
});
