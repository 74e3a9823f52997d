// The SDK as one module, and how large it is.
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = new URL("..", import.meta.url).pathname;
const LIMIT = 8_000;

/** Makes it, in sdk/dist or nowhere; its size packed, and whether that is too much. */
export async function sdk(write) {
    const { outputFiles } = await build({
        entryPoints: [join(root, "sdk/src/index.ts")], outfile: join(root, "sdk/dist/auricle.js"),
        bundle: true, minify: true, format: "esm", target: "es2022", logLevel: "warning", write: false,
    });
    const octets = outputFiles[0].contents;
    if (write) write(outputFiles[0].path, octets);
    const size = gzipSync(octets, { level: 9 }).length;
    return { size, told: `the browser SDK is ${size} octets packed (at most ${LIMIT})`, fits: size <= LIMIT };
}
