import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { settled } from "../sdk/test/fakes";
import type { Tokens } from "../src/api/types";
import { Page, json } from "./fakes";

const page = new Page();
page.install();
const { busy, idleSoon, resume, session, signOut, signedIn } = await import("../src/api/session");

const TOKENS: Tokens = { access_token: "at", access_expires_at: "", refresh_expires_at: "" };
const MINUTE = 60_000;
const hand = (): boolean => page.window.dispatchEvent(new Event("pointerdown"));
const notice = (): string | null => {
    const now = session.get();
    return now.phase === "signed_out" ? now.notice : null;
};

/** As the machine's timers go, one look of the page after the other. */
function pass(ms: number): void {
    for (let gone = 0; gone < ms; gone += 5_000) mock.timers.tick(Math.min(5_000, ms - gone));
}

beforeEach(async () => {
    page.refuse = () => null;
    page.me = { permissions: [], user: { name: "Ana" } };
    busy.set(false);
    await signedIn(TOKENS);
    hand();
    page.asked.length = 0;
});

test("the page is left at once, and the gateway is told by the token of before", async () => {
    page.refuse = ({ path }) => (path === "/v1/auth/logout" ? new Promise(() => {}) : null);
    signOut();
    assert.equal(notice(), "none");
    await settled();
    assert.deepEqual(page.asked.map(({ path, authorization }) => [path, authorization]), [["/v1/auth/logout", "Bearer at"]]);
});

test("a sign-out that the gateway did not hear of is told to it before the page is entered again", async () => {
    page.refuse = () => {
        throw new TypeError("network");
    };
    signOut();
    await settled();
    await resume();
    assert.equal(session.get().phase, "unreachable");
    let cookie = true;
    page.asked.length = 0;
    page.refuse = ({ path }) => {
        if (path === "/v1/auth/refresh" && !cookie) return json({}, 422);
        if (path === "/v1/auth/logout") cookie = false;
        return null;
    };
    await resume();
    assert.deepEqual(page.asked.map(({ path }) => path), ["/v1/auth/refresh", "/v1/auth/logout", "/v1/auth/refresh"]);
    assert.equal(notice(), "none");
    await resume();
    assert.equal(page.of("/v1/auth/logout").length, 1);
});

test("whoever signs in anew is not signed out for whoever was before", async () => {
    page.refuse = ({ path }) => (path === "/v1/auth/logout" ? new Promise(() => {}) : null);
    signOut();
    await settled();
    await signedIn(TOKENS);
    page.refuse = () => null;
    await resume();
    assert.deepEqual([session.get().phase, page.of("/v1/auth/logout").length], ["signed_in", 1]);
});

test("a page that nobody touches warns and signs out, after as long as the gateway says", async () => {
    for (const [minutes, warned] of [[undefined, 14.2], [2, 1.2], [1, 0.6]] as const) {
        page.me = { permissions: [], user: { name: "Ana" }, ...(minutes === undefined ? {} : { idle_minutes: minutes }) };
        await signedIn(TOKENS);
        pass(warned * MINUTE);
        assert.equal(idleSoon.get(), true, String(minutes));
        pass(((minutes ?? 15) - warned) * MINUTE);
        assert.equal(session.get().phase, "signed_in", String(minutes));
        pass(10_000);
        assert.equal(notice(), "idle", String(minutes));
        await settled();
    }
});

test("a hand on another page of the same browser is a hand", () => {
    pass(10 * MINUTE);
    page.kept.set("auricle.touched", String(Date.now()));
    pass(10 * MINUTE);
    assert.deepEqual([session.get().phase, idleSoon.get()], ["signed_in", false]);
    hand();
    assert.equal(page.kept.get("auricle.touched"), String(Date.now()));
    pass(16 * MINUTE);
    assert.equal(notice(), "idle");
});

test("whoever is on the telephone is there", () => {
    busy.set(true);
    pass(60 * MINUTE);
    assert.deepEqual([session.get().phase, idleSoon.get()], ["signed_in", false]);
    busy.set(false);
    pass(16 * MINUTE);
    assert.equal(notice(), "idle");
});

test("a hand that comes after the time is over, on a machine that slept, signs out", () => {
    mock.timers.setTime(Date.now() + 3 * 60 * MINUTE);
    if (session.get().phase === "signed_in") hand();
    assert.equal(notice(), "idle");
});

test("a token that comes after its user has left is not kept", async () => {
    let come: (() => void) | undefined;
    page.refuse = ({ path }) => (path === "/v1/auth/refresh" ? new Promise((resolve) => (come = () => resolve(json({ access_token: "late" })))) : null);
    const { accessToken, refresh } = await import("../src/api/client");
    const asked = refresh();
    signOut();
    come?.();
    assert.equal(await asked, false);
    assert.equal(accessToken(), null);
});

test("a sign-in whose last look fails is not asked for its codes again", async () => {
    page.refuse = ({ path }) => (path === "/v1/auth/me" ? json({}, 503) : null);
    signOut();
    await signedIn(TOKENS);
    assert.equal(session.get().phase, "unreachable");
    page.refuse = () => null;
    await resume();
    assert.equal(session.get().phase, "signed_in");
});

test("a step that was refused after its time was too late, one that was refused before was wrong", async () => {
    const { stepToken, tooLate } = await import("../src/step");
    const step = stepToken("t");
    mock.timers.tick(4 * MINUTE);
    assert.deepEqual([tooLate(step, 401), tooLate(undefined, 401)], [false, false]);
    mock.timers.tick(MINUTE);
    assert.deepEqual([tooLate(step, 401), tooLate(step, 429)], [true, false]);
});
