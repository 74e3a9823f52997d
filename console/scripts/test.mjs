// Runs the tests of the page's logic and of the SDK by Node's own test runner, bundled first, since Node reads no TypeScript; and
// holds the SDK to its size.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { sdk } from "./sdk.mjs";

const root = new URL("..", import.meta.url).pathname;
const tests = ["test", "sdk/test"].flatMap((folder) =>
    readdirSync(join(root, folder)).filter((name) => name.endsWith(".test.ts")).map((name) => join(root, folder, name)),
);
const outdir = mkdtempSync(join(tmpdir(), "auricle-console-"));
try {
    await build({
        entryPoints: tests, outdir, outbase: root, bundle: true, platform: "node", format: "esm", target: "node18",
        jsx: "automatic", jsxImportSource: "preact", outExtension: { ".js": ".mjs" }, logLevel: "warning", sourcemap: "inline",
    });
    const built = readdirSync(outdir, { recursive: true }).filter((name) => name.endsWith(".test.mjs")).map((name) => join(outdir, name));
    const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...built], { stdio: "inherit" });
    const { told, fits } = await sdk(null);
    console.log(told);
    process.exitCode = fits ? (status ?? 1) : 1;
} finally {
    rmSync(outdir, { recursive: true });
}
