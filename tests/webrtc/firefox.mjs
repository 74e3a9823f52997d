// One call of Firefox as Debian ships it, steered by WebDriver BiDi; its microphone is its own tone generator.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { serve, token } from "./line.mjs";

const require = createRequire(`${process.env.MODULES}/walk.cjs`);
const { WebSocket } = require("ws");
const { CONSOLE, SECRET, BROWSER, FOLDER } = process.env;
const HZ = 600;
const PREFERENCES = {
    "media.navigator.streams.fake": true,
    "media.navigator.audio.fake_frequency": HZ,
    "media.navigator.permission.disabled": true,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.autoplay.block-webaudio": false,
    // Nothing but loopback is there.
    "media.peerconnection.ice.loopback": true,
    "media.peerconnection.ice.obfuscate_host_addresses": false,
    "permissions.default.microphone": 1,
    "app.update.enabled": false,
    "browser.shell.checkDefaultBrowser": false,
    "datareporting.policy.dataSubmissionEnabled": false,
    "toolkit.telemetry.reportingpolicy.firstRun": false,
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the browser; what it is told by. */
async function launch() {
    const profile = `${FOLDER}/firefox`;
    mkdirSync(profile, { recursive: true });
    writeFileSync(`${profile}/user.js`, Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(""));
    const child = spawn(BROWSER, ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank"], {
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, HOME: FOLDER, MOZ_CRASHREPORTER_DISABLE: "1", MOZ_DISABLE_CONTENT_SANDBOX: "1" },
    });
    process.on("exit", () => child.kill("SIGKILL"));
    let said = "";
    const address = await new Promise((resolve, reject) => {
        child.stderr.on("data", (text) => {
            said += text;
            const found = said.match(/WebDriver BiDi listening on (ws:\/\/\S+)/);
            if (found) resolve(found[1]);
        });
        child.on("exit", () => reject(new Error(`it ended: ${said}`)));
        setTimeout(() => reject(new Error(`it does not listen: ${said}`)), 60_000).unref();
    });
    const socket = new WebSocket(`${address}/session`);
    await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
    const waiting = new Map();
    let last = 0;
    socket.on("message", (text) => {
        const { id, result, error, message } = JSON.parse(text);
        const [resolve, reject] = waiting.get(id) ?? [];
        waiting.delete(id);
        if (error) reject?.(new Error(`${error}: ${message}`));
        else resolve?.(result);
    });
    const ask = (method, params) =>
        new Promise((resolve, reject) => {
            waiting.set((last += 1), [resolve, reject]);
            socket.send(JSON.stringify({ id: last, method, params }));
        });
    await ask("session.new", { capabilities: {} });
    return { ask, close: () => ask("browser.close", {}).catch(() => {}) };
}

const pages = await serve(CONSOLE);
const { ask, close } = await launch();
const { contexts } = await ask("browsingContext.getTree", {});
const context = contexts[0].context;
await ask("browsingContext.navigate", { context, url: pages.url, wait: "complete" });

/** What an expression of the page comes to. */
async function evaluate(expression) {
    const asked = { expression: `Promise.resolve(${expression}).then((value) => JSON.stringify(value ?? null))`, target: { context }, awaitPromise: true, userActivation: true };
    const { type, result, exceptionDetails } = await ask("script.evaluate", asked);
    assert.equal(type, "success", exceptionDetails?.text);
    return JSON.parse(result.value);
}

for (const end = Date.now() + 10_000; Date.now() < end && !(await evaluate("globalThis.page !== undefined")); ) await sleep(50);
const told = await token(CONSOLE, SECRET, "1000");
await evaluate(`page.start("/v1/whip/1000", ${JSON.stringify(told.token)}, "all")`);
let heard = null;
const connected = async () => (await evaluate("page.seen()")).states.includes("connected");
for (const end = Date.now() + 20_000; Date.now() < end && !(await connected()); ) await sleep(50);
for (let again = 0; again < 4; again += 1) {
    heard = await evaluate("page.recorded(1500)");
    if (Math.abs(heard.hz - HZ) <= 8 && heard.above >= 20) break;
}
const seen = await evaluate("page.seen()");
console.log(JSON.stringify({ heard, seen, pair: await evaluate("page.pair()") }));
assert.ok(Math.abs(heard.hz - HZ) <= 8 && heard.above >= 20, JSON.stringify([heard, seen, pages.asked]));
assert.equal(seen.messages[0]?.type, "hello", "the data channel is open");
await evaluate("page.hangUp()");
for (const end = Date.now() + 5_000; Date.now() < end && !pages.asked.some((one) => one.method === "DELETE"); ) await sleep(50);
assert.ok(pages.asked.some((one) => one.method === "DELETE"), JSON.stringify(pages.asked));
await close();
pages.close();
process.exit(0);
