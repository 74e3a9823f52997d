// Records what a voice becomes on its way from Chromium to an echoing agent and back: sound.mjs FOLDER SECONDS
import { writeFileSync } from "node:fs";
import { launch, watched } from "../console/browser.mjs";
import { serve, token } from "./line.mjs";

const { CONSOLE, SECRET, VOICE } = process.env;
const [, , folder, seconds] = process.argv;
const pages = await serve(CONSOLE);
const browser = await launch([
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-audio-capture=${VOICE}`,
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
]);
const { page } = await watched(browser, { permissions: ["microphone"] });
const told = await token(CONSOLE, SECRET, "1000");
await page.goto(pages.url);
await page.waitForFunction(() => globalThis.page !== undefined);
const tracks = await page.evaluate(([token, seconds]) => globalThis.page.record("/v1/whip/1000", token, seconds), [told.token, Number(seconds)]);
for (const [name, track] of [["microphone", tracks[0]], ["direct", tracks[1]], ["gateway", tracks[2]]]) writeFileSync(`${folder}/${name}.raw`, Buffer.from(track, "base64"));
await page.evaluate(() => globalThis.page.hangUp());
await browser.close();
pages.close();
process.exit(0);
