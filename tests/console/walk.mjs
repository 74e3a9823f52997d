// An operator's way through the console, as a person would go it; fails at the first thing that is not as it should be.
// SHOTS=FOLDER keeps a picture of every page, light, dark and narrow.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { EMAIL, NEW_PASSWORD, assertAccessible, launch, totp, watched } from "./browser.mjs";
import { longCall } from "./long_call.mjs";

const { CONSOLE, PASSWORD, SHOTS } = process.env;
const HOSTILE = ['<img src=x onerror=alert(1)>', '"><script>alert(1)</script>', "javascript:alert(1)", "{{constructor.constructor('alert(1)')()}}"];

const browser = await launch();
const { page, faults, context } = await watched(browser);
const said = [];
page.on("response", (response) => said.push(response));

async function step(name, what) {
    const began = Date.now();
    await what();
    assert.deepEqual(faults, [], `after: ${name}`);
    console.log(`${name}: ${Date.now() - began} ms`);
}

/** A picture of the page in each of its looks, which is put back as it was. */
async function pictures(name) {
    if (!SHOTS) return;
    mkdirSync(SHOTS, { recursive: true });
    for (const [look, colorScheme, width] of [["light", "light", 1280], ["dark", "dark", 1280], ["narrow", "light", 390]]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(250);
        await page.screenshot({ path: `${SHOTS}/${name}-${look}.png`, fullPage: true });
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1280, height: 900 });
}

/** What a script of the page asks the interface with. */
const accessToken = () =>
    page.evaluate(async () => (await (await fetch("/v1/auth/refresh", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" })).json()).access_token);

const heading = (name) => page.getByRole("heading", { level: 1, name });
let codes = [];

await step("the page is small and says what it may do", async () => {
    await page.goto(`${CONSOLE}/`);
    await heading("Sign in").waitFor();
    const loaded = [];
    for (const response of said.filter((one) => one.url().startsWith(CONSOLE) && !one.url().includes("/v1/"))) loaded.push((await response.request().sizes()).responseBodySize);
    assert.ok(loaded.length >= 3 && loaded.reduce((a, b) => a + b) < 150_000, String(loaded));
    const document = said.find((one) => one.url() === `${CONSOLE}/`);
    assert.match(document.headers()["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(document.headers()["cache-control"], "no-store");
    const script = said.find((one) => one.url().endsWith(".js"));
    assert.deepEqual([script.headers()["cache-control"], script.headers()["content-encoding"]], ["public, max-age=31536000, immutable", "gzip"]);
});

await step("a wrong password is told and nothing more", async () => {
    await assertAccessible(page, "sign in");
    await pictures("sign-in");
    await page.getByLabel("E-mail address").fill(EMAIL);
    await page.getByLabel("Password").fill("not the password");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "do not go together" }).waitFor();
});

await step("the first administrator chooses a password, sets up a second factor and is shown backup codes", async () => {
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await heading("Choose a password").waitFor();
    await page.getByLabel("New password").fill(NEW_PASSWORD);
    await page.keyboard.press("Enter");
    await heading("Set up a second factor").waitFor();
    await assertAccessible(page, "enrolment");
    await pictures("enrolment");
    const secret = (await page.locator(".secret code").innerText()).replaceAll(" ", "");
    await page.getByLabel("Code", { exact: true }).fill(totp(secret));
    await page.keyboard.press("Enter");
    await heading("Backup codes").waitFor();
    codes = await page.locator(".codes code").allInnerTexts();
    assert.ok(codes.length >= 8);
    await page.getByRole("button", { name: "I have written them down" }).click();
    await heading("Calls").waitFor();
});

await step("signing out, and in again: a code that is not right is refused, a backup code is taken", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await heading("Sign in").waitFor();
    await page.getByLabel("E-mail address").fill(EMAIL);
    await page.getByLabel("Password").fill(NEW_PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await heading("Second factor").waitFor();
    await assertAccessible(page, "second factor");
    await pictures("second-factor");
    await page.getByLabel("Code", { exact: true }).fill("000000");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("alert").filter({ hasText: "not right" }).waitFor();
    // Attempts have to wait for each other, longer with each that fails.
    await page.waitForTimeout(3_000);
    await page.getByRole("button", { name: "Use a backup code" }).click();
    await page.getByLabel("Backup code").fill(codes[0]);
    await page.getByRole("button", { name: "Continue" }).click();
    await heading("Calls").waitFor();
});

await step("a page that is loaded anew is still signed in", async () => {
    await page.reload();
    await heading("Calls").waitFor();
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    assert.ok(!/eyJ|rt\.|refresh/.test(kept), "no token is where a script could read it");
});

await step("a call that runs is there, live", async () => {
    await page.getByText("Live", { exact: true }).first().waitFor();
    const row = page.locator("tbody tr").first();
    await row.waitFor({ timeout: 90_000 });
    await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].some((line) => /Talking.*[01]:\d\d.*Good/s.test(line.textContent)), null, { timeout: 90_000 });
    await assertAccessible(page, "live calls");
    await pictures("calls");
    await page.getByLabel("Filter").fill("nobody of that name");
    await page.getByText("No call matches.").waitFor();
    await page.getByLabel("Filter").fill("");
    await row.waitFor();
});

await step("the next call appears by itself", async () => {
    const before = await page.locator("tbody .tail").first().innerText();
    // Who is on the telephone is hung up on, and calls again.
    const headers = { authorization: `Bearer ${await accessToken()}` };
    const running = (await (await context.request.get(`${CONSOLE}/v1/calls?limit=200`, { headers })).json()).items.filter((call) => call.ended_at === null);
    for (const { id } of running) await context.request.delete(`${CONSOLE}/v1/calls/${id}`, { headers });
    await page.waitForFunction((old) => document.querySelector("tbody .tail") && document.querySelector("tbody .tail").textContent !== old, before, { timeout: 90_000 });
});

await step("one call is followed while it runs", async () => {
    await page.locator("tbody a").first().click();
    await heading(/Inbound call/).waitFor();
    await page.getByRole("button", { name: "End call" }).waitFor();
    await page.locator(".block-agent").first().waitFor({ timeout: 60_000 });
    await page.locator(".said-agent").first().waitFor({ timeout: 60_000 });
    await page.waitForFunction(() => document.querySelectorAll(".waterfall tbody tr").length > 0, null, { timeout: 60_000 });
    await page.locator(".arrow-name").filter({ hasText: "INVITE" }).waitFor();
    await page.getByRole("button", { name: "Listen", exact: true }).click();
    await page.locator(".moment-listener_attached").waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Stop listening" }).click();
    await assertAccessible(page, "a call that runs");
});

await step("the operator ends it, and it says so by itself", async () => {
    await page.getByRole("button", { name: "End call" }).click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "End call" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End call" }).click();
    await page.getByText("policy: operator").waitFor({ timeout: 60_000 });
    assert.equal(await page.getByRole("button", { name: "End call" }).count(), 0);
    await assertAccessible(page, "a call that is over");
    await pictures("call");
});

await step("a call of 200 turns is shown soon, and what was said in it is text", async () => {
    let call;
    await page.route(`**/v1/calls/${longCall(1, HOSTILE).id}`, (route) => route.fulfill({ json: call }));
    const show = async (turns) => {
        call = longCall(turns, HOSTILE);
        await page.evaluate(([to, turns]) => {
            globalThis.shownAfter = null;
            const began = performance.now();
            const look = () => {
                const rows = document.querySelectorAll(".waterfall tbody tr").length;
                if (rows === turns && document.querySelectorAll(".block").length === 2 * turns) requestAnimationFrame(() => setTimeout(() => (globalThis.shownAfter = performance.now() - began)));
                else setTimeout(look, 5);
            };
            history.pushState(null, "", to);
            dispatchEvent(new PopStateEvent("popstate"));
            look();
        }, [`/calls/${call.id}`, turns]);
        await page.waitForFunction(() => globalThis.shownAfter !== null, null, { timeout: 60_000 });
        return page.evaluate(() => globalThis.shownAfter);
    };
    // The machine may be busy with other tests: the best of three openings is the page's own.
    const best = { 50: Infinity, 200: Infinity };
    for (const [round, turns] of [50, 200, 50, 200, 50, 200].entries()) {
        if (round > 0) {
            await page.getByRole("link", { name: "All calls" }).click();
            await heading("Calls").waitFor();
        }
        best[turns] = Math.min(best[turns], await show(turns));
    }
    console.log(`  50 turns shown in ${Math.round(best[50])} ms, 200 in ${Math.round(best[200])} ms`);
    assert.ok(best[200] <= 6 * best[50] + 300, JSON.stringify(best));
    if (process.env.AURICLE_MEASURE) assert.ok(best[200] <= 1_000, `${best[200]} ms`);
    for (const text of HOSTILE) assert.ok((await page.getByText(text, { exact: true }).count()) > 0, text);
    await pictures("long-call");
});

await step("the keys go through the score, from voice to voice", async () => {
    const first = page.locator('.block[tabindex="0"]');
    assert.equal(await first.count(), 1);
    await first.focus();
    const labels = [];
    for (let press = 0; press < 3; press += 1) {
        await page.keyboard.press("ArrowRight");
        await page.waitForTimeout(60);
        labels.push(await page.evaluate(() => document.activeElement.getAttribute("aria-label")));
    }
    assert.equal(new Set(labels).size, 3);
    assert.match(labels.join(), /Agent, .*Caller, |Caller, .*Agent, /);
    assert.equal(await page.locator(".said-selected").count(), 1);
});

await step("patients are found, shown, and called", async () => {
    const token = await accessToken();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const make = (data) => context.request.post(`${CONSOLE}/v1/patients`, { headers, data });
    for (const name of ["Ana García", "Peter Lindqvist", ...HOSTILE.slice(0, 2)]) {
        const made = await make({ name, ...(name.startsWith("Ana") ? { phone: "+1 555 010 0199", date_of_birth: "1948-05-17", notes: "Hears badly on the left." } : {}) });
        assert.equal(made.status(), 201, await made.text());
    }
    await page.getByRole("link", { name: "Patients", exact: true }).click();
    await heading("Patients").waitFor();
    await page.getByText(HOSTILE[0], { exact: true }).waitFor();
    await assertAccessible(page, "patients");
    await pictures("patients");
    await page.getByLabel("Search").fill("garc");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    await page.getByRole("link", { name: "Ana García" }).click();
    await heading("Ana García").waitFor();
    await page.getByText("Hears badly on the left.").waitFor();
    await assertAccessible(page, "a patient");
    await pictures("patient");
    await page.getByRole("button", { name: "Call now" }).click();
    // No trunk is configured here: the gateway says no, and the page says so.
    await page.locator(".call-now [role=alert]").waitFor();
});

await step("the phone says what it can do", async () => {
    await page.getByRole("link", { name: "Phone", exact: true }).click();
    await heading("Phone").waitFor();
    await assertAccessible(page, "phone");
    await pictures("phone");
});

await step("everything can be reached by keyboard, and it shows where one is", async () => {
    await page.goto(`${CONSOLE}/calls`);
    await heading("Calls").waitFor();
    const seen = [];
    for (let press = 0; press < 16; press += 1) {
        await page.keyboard.press("Tab");
        const stop = await page.evaluate(() => {
            const element = document.activeElement;
            if (element === document.body) return null;
            const { outlineStyle, outlineWidth } = getComputedStyle(element);
            return { name: element.textContent?.trim() || element.getAttribute("aria-label") || element.labels?.[0]?.textContent, visible: outlineStyle !== "none" && outlineWidth !== "0px" };
        });
        // Behind the last of the page comes the browser itself.
        if (stop === null) break;
        seen.push(stop.name);
        assert.ok(stop.visible, `the focus shows on ${stop.name}`);
    }
    const order = ["Skip to content", "Auricle", "Calls", "Phone", "Patients", "Sign out", "Live", "Filter"].map((name) => seen.indexOf(name));
    assert.ok(order.every((place, at) => place >= 0 && (at === 0 || place > order[at - 1])), seen.join(", "));
    await page.getByRole("tab", { name: "Live" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("tab", { name: "Ended", selected: true }).waitFor();
    await page.locator("tbody tr").first().waitFor();
    await pictures("ended");
});

await step("it speaks Spanish, and remembers that", async () => {
    await page.getByLabel("Language").selectOption("es");
    await page.getByRole("heading", { level: 1, name: "Llamadas" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Llamadas" }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "es");
    await pictures("calls-es");
});

await step("dark is chosen and kept, and can be read", async () => {
    await page.getByLabel("Apariencia").selectOption("dark");
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Llamadas" }).waitFor();
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).colorScheme || getComputedStyle(document.documentElement).colorScheme), "dark");
    await assertAccessible(page, "dark");
});

await step("nothing runs over the edge of a narrow page", async () => {
    for (const path of ["/calls", "/patients", "/phone"]) {
        await page.setViewportSize({ width: 360, height: 740 });
        await page.goto(`${CONSOLE}${path}`);
        await page.locator("h1").waitFor();
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(over <= 0, `${path} is ${over} px too wide`);
    }
});

await step("who is signed out elsewhere is told, and no name is left on the page", async () => {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${CONSOLE}/patients`);
    await page.getByText("Ana García").waitFor();
    const token = await accessToken();
    await context.request.post(`${CONSOLE}/v1/auth/logout_all`, { headers: { authorization: `Bearer ${token}` } });
    await page.getByRole("heading", { level: 1, name: "Iniciar sesión" }).waitFor({ timeout: 20_000 });
    assert.ok(!(await page.content()).includes("Ana García"));
});

await browser.close();
