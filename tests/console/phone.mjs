// A call from the page, with a voice in place of the microphone: the agent greets, is spoken to, answers, is interrupted; keys
// are pressed; hanging up ends it everywhere. SHOTS=FOLDER keeps pictures.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { assertAccessible, enter, launch, watched } from "./browser.mjs";

const { CONSOLE, PASSWORD, VOICE, SHOTS } = process.env;
const browser = await launch([
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-audio-capture=${VOICE}`,
    "--autoplay-policy=no-user-gesture-required",
    // Nothing but loopback is there.
    "--allow-loopback-in-peer-connection",
]);
const { page, faults, context } = await watched(browser, { permissions: ["microphone"] });
const within = (timeout) => ({ timeout });

async function picture(name) {
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

// Whoever may not see the agents types a name; whoever may chooses one.
await page.route("**/v1/agents?*", (route) => route.fulfill({ json: { items: [], next_cursor: null } }));
await enter(page, CONSOLE, PASSWORD);
await page.getByRole("link", { name: "Phone", exact: true }).click();

await page.getByLabel("Agent or number").fill("nobody");
await page.getByRole("button", { name: "Call", exact: true }).click();
await page.getByText("There is no such agent.").waitFor(within(90_000));

await page.unroute("**/v1/agents?*");
await page.getByRole("link", { name: "Calls", exact: true }).click();
await page.getByRole("link", { name: "Phone", exact: true }).click();
const chooser = page.locator("select", { has: page.locator("option", { hasText: "linear" }) });
await chooser.selectOption({ label: "Another one, or a number…" });
await page.getByLabel("Name or number").fill("1000");
await chooser.selectOption("linear");
assert.equal(await page.getByLabel("Name or number").count(), 0);
const dialled = Date.now();
await page.getByRole("button", { name: "Call", exact: true }).click();
await page.getByText("Connected", { exact: true }).waitFor(within(90_000));
console.log(`connected after ${Date.now() - dialled} ms`);

const level = (name) => page.getByLabel(name).evaluate((meter) => meter.value);
const heard = async (name, limit = 90_000) => {
    for (const end = Date.now() + limit; Date.now() < end; await page.waitForTimeout(50)) if ((await level(name)) > 0.35) return;
    assert.fail(`${name} is not heard`);
};
await heard("The agent's voice");
await page.locator(".said-agent").first().waitFor(within(90_000));
console.log("the greeting is heard");
await heard("Your voice");
await page.getByText("You speak.").waitFor(within(90_000));
await page.getByText("The agent speaks.").waitFor(within(90_000));
await page.locator(".said-agent").nth(1).waitFor(within(90_000));
// The voice does not wait for what is looked at meanwhile.
const interrupted = page.getByText("You interrupted the agent.").waitFor(within(90_000));
await assertAccessible(page, "a call from the page");
await picture("phone-call");
console.log("the agent answers");
await interrupted;
console.log("the agent is interrupted");
await page.getByRole("button", { name: "Key 1" }).click();
await page.getByRole("button", { name: "Mute" }).click();
for (const end = Date.now() + 5_000; Date.now() < end && (await level("Your voice")) > 0; ) await page.waitForTimeout(50);
assert.equal(await level("Your voice"), 0);

// It goes on while one looks at something else.
await page.getByRole("link", { name: "Calls", exact: true }).click();
await page.getByRole("complementary", { name: "Phone" }).waitFor();
await page.locator("tbody tr").filter({ hasText: "linear" }).first().waitFor(within(90_000));
await page.getByRole("link", { name: "Show phone" }).click();
await page.getByRole("button", { name: "Hang up" }).click();
await page.getByText("You hung up.").waitFor(within(90_000));
await picture("phone-over");

await page.getByRole("link", { name: "Calls", exact: true }).click();
await page.getByRole("tab", { name: "Ended" }).click();
await page.locator("tbody a").first().click();
await page.getByRole("heading", { name: "Conversation" }).waitFor(within(90_000));
for (const event of ["turn", "barge_in", "key_pressed", "ended"]) assert.ok((await page.locator(`.moment-${event}`).count()) > 0, event);
assert.deepEqual(faults, []);
await context.close();
await browser.close();
