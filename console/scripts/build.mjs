// Builds the page into dist/ and the SDK into sdk/dist/, packs what is served, and holds both to their sizes.
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { sdk } from "./sdk.mjs";

const LIMIT = 150_000;

const root = new URL("..", import.meta.url).pathname;
const dist = join(root, "dist");
for (const name of readdirSync(dist)) if (name !== ".gitignore") rmSync(join(dist, name), { recursive: true });

await build({ root, logLevel: "warn" });

const files = readdirSync(dist, { recursive: true }).filter((name) => name !== ".gitignore" && statSync(join(dist, name)).isFile());
let first = 0;
for (const name of files) {
    const octets = readFileSync(join(dist, name));
    const packed = gzipSync(octets, { level: 9 });
    // Everything that there is is loaded with the first page.
    first += packed.length;
    if (packed.length < octets.length * 0.9) writeFileSync(join(dist, `${name}.gz`), packed);
}

const made = await sdk((path, octets) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, octets);
});
console.log(`console: the first page is ${first} octets packed (at most ${LIMIT}), ${made.told}`);
if (first > LIMIT || !made.fits) {
    console.error("console: too large");
    process.exit(1);
}
