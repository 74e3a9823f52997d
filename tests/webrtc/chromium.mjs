// Calls of Chromium over networks that are not the best: chromium.mjs SCENARIO
import assert from "node:assert/strict";
import { launch, watched } from "../console/browser.mjs";
import { Line, serve, token } from "./line.mjs";

const { CONSOLE, SECRET, TONE, HZ, PORTS } = process.env;
const scenario = process.argv[2];
const ports = (PORTS ?? "").split(",").filter(Boolean).map(Number);

const pages = await serve(CONSOLE);
const line = await Line.to(ports, scenario !== "tcp");
const browser = await launch([
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-audio-capture=${TONE}`,
    "--autoplay-policy=no-user-gesture-required",
    // Nothing but loopback is there.
    "--allow-loopback-in-peer-connection",
]);
const { page, faults, context } = await watched(browser, { permissions: ["microphone"] });

/** What comes at once where the machine has nothing else to do. */
const SOON = 15_000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const seen = () => page.evaluate(() => globalThis.page.seen());
const pair = () => page.evaluate(() => globalThis.page.pair());

/** Waits until the page hears its own tone; how long that took. */
async function hears(limit, why) {
    const began = Date.now();
    let last = null;
    while (Date.now() - began < limit) {
        last = await page.evaluate(() => globalThis.page.heard());
        if (Math.abs(last.hz - Number(HZ)) <= 8 && last.above >= 20) return Date.now() - began;
        await sleep(50);
    }
    assert.fail(`${why}: ${JSON.stringify(last)}, ${JSON.stringify(await seen())}, ${JSON.stringify(pages.asked)}`);
}

async function start(policy) {
    const told = await token(CONSOLE, SECRET, "1000");
    await page.goto(pages.url);
    await page.waitForFunction(() => globalThis.page !== undefined);
    await page.evaluate(([token, policy]) => globalThis.page.start("/v1/whip/1000", token, policy), [told.token, policy]);
    console.log(`heard after ${await hears(SOON, "the tone comes back")} ms by ${JSON.stringify(await pair())}`);
    return told;
}

async function hangUp() {
    await page.evaluate(() => globalThis.page.hangUp());
    assert.equal((await seen()).ended.reason, "hung_up");
    // The connection's own goodbye may be there first; how the call has ended is looked at by the test.
    for (const end = Date.now() + SOON; Date.now() < end && !pages.asked.some((one) => one.method === "DELETE"); ) await sleep(50);
    assert.ok(pages.asked.some((one) => one.method === "DELETE"), JSON.stringify(pages.asked));
}

const scenarios = {
    /** Datagrams go nowhere, without a word. */
    async tcp() {
        await start("all");
        assert.equal((await pair()).remote.protocol, "tcp");
        assert.ok(line.swallowed > 0, "UDP was tried");
        await hangUp();
    },

    /** Only what the relay carries counts. */
    async turn() {
        const told = await start("relay");
        assert.ok(told.ice_servers.some((server) => server.username && server.credential), JSON.stringify(told));
        const { local } = await pair();
        assert.equal(local.kind, "relay");
        console.log(`relayed over ${local.relay}`);
        await hangUp();
    },

    /** The old network is gone, and its addresses with it; the browser says that it is on another. */
    async change() {
        await start("all");
        const before = await pair();
        line.down = true;
        await context.setOffline(true);
        await sleep(1_000);
        line.move();
        line.down = false;
        await context.setOffline(false);
        for (const end = Date.now() + SOON; Date.now() < end && !pages.asked.some((one) => one.match === "*"); ) await sleep(20);
        const restart = pages.asked.find((one) => one.match === "*");
        assert.deepEqual([restart?.status, restart?.etag], [200, '"2"'], JSON.stringify(pages.asked));
        const took = await hears(SOON, "the tone comes back on the other network");
        await page.waitForFunction((old) => globalThis.page.pair().then((pair) => pair?.local.ufrag !== old), before.local.ufrag, { timeout: SOON });
        console.log(`heard again ${took} ms after the restart`);
        assert.deepEqual((await seen()).ended, null);
        await hangUp();
    },

    /** Five seconds without any network cost five seconds; half a minute is the end. */
    async outage() {
        await start("all");
        line.down = true;
        await sleep(5_000);
        assert.ok((await page.evaluate(() => globalThis.page.heard())).above < 20, "nothing is heard meanwhile");
        line.down = false;
        console.log(`heard again ${await hears(process.env.AURICLE_MEASURE ? 4_000 : SOON, "the tone comes back")} ms after the outage`);
        assert.equal((await seen()).ended, null);
        await page.waitForFunction(() => globalThis.page.seen().states.at(-1) === "connected", null, { timeout: SOON });
        await sleep(2_000);
        assert.equal((await seen()).ended, null);
        line.down = true;
        await context.setOffline(true);
        await page.waitForFunction(() => globalThis.page.seen().ended !== null, null, { timeout: 90_000 });
        const { ended, states } = await seen();
        assert.deepEqual([ended.reason, states.at(-1)], ["lost", "ended"]);
    },
};

await scenarios[scenario]();
assert.deepEqual(faults, []);
await browser.close();
line.close();
pages.close();
process.exit(0);
