// What every walk through the console shares: a browser, a page that is watched, and codes of a second factor.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const require = createRequire(`${process.env.MODULES}/walk.cjs`);
export const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Starts the browser that is installed. */
export function launch(more = []) {
    return chromium.launch({ executablePath: process.env.BROWSER, args: ["--no-sandbox", "--disable-dev-shm-usage", ...more] });
}

/** A page on which nothing may go wrong unseen: faults of scripts, violations of its policy, dialogs. */
export async function watched(browser, options = {}) {
    const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const faults = [];
    page.on("pageerror", (error) => faults.push(`a script failed: ${error.stack ?? error}`));
    page.on("console", (message) => /content security policy|trusted ?types?/i.test(message.text()) && faults.push(message.text()));
    page.on("dialog", (dialog) => {
        faults.push(`a dialog: ${dialog.message()}`);
        void dialog.dismiss();
    });
    await page.exposeFunction("auricleViolation", (what) => faults.push(`policy: ${what}`));
    await page.addInitScript(() =>
        document.addEventListener("securitypolicyviolation", (event) => globalThis.auricleViolation(`${event.violatedDirective} ${event.blockedURI}`)),
    );
    return { context, page, faults };
}

/** The code of an authenticator (RFC 6238) for a secret in base 32. */
export function totp(secret, at = Date.now()) {
    const bits = [...secret.replace(/[\s=]/g, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
    const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
    const moment = Buffer.alloc(8);
    moment.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
    const digest = createHmac("sha1", key).update(moment).digest();
    return String((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** What whoever uses a screen reader, or sees badly, would stumble over (axe-core: WCAG 2.2 A and AA). */
export async function assertAccessible(page, where) {
    // Colours that are still on their way to others are nobody's colours.
    await page.waitForTimeout(300);
    await page.evaluate(AXE);
    const found = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
    const told = found.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`);
    assert.deepEqual(told, [], where);
}

export const NEW_PASSWORD = "marble socket thirteen owls";
export const EMAIL = "admin@localhost.localdomain";

/** The first administrator's first way in; the backup codes. */
export async function enter(page, console, password) {
    await page.goto(`${console}/`);
    await page.getByLabel("E-mail address").fill(EMAIL);
    await page.getByLabel("Password").fill(password);
    await page.keyboard.press("Enter");
    await page.getByLabel("New password").fill(NEW_PASSWORD);
    await page.keyboard.press("Enter");
    const secret = (await page.locator(".secret code").innerText()).replaceAll(" ", "");
    await page.getByLabel("Code", { exact: true }).fill(totp(secret));
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "I have written them down" }).click();
    await page.getByRole("heading", { level: 1, name: "Calls" }).waitFor();
}
