import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { qr } from "../src/qr";

const digest = (text: string): string => createHash("sha256").update((qr(text) ?? []).map((line) => line.map((dark) => (dark ? "1" : "0")).join("")).join("\n")).digest("hex").slice(0, 16);

test("codes are, module by module, those of another encoder", () => {
    // Made by the PyPI package `qrcode`, level M, octets, of its eight masks the one that is the easiest to read.
    const known: [string, string][] = [
        ["a", "e8ab680854e4019c"],
        ["hello", "52a7aa67e7296ede"],
        ["otpauth://totp/Auricle:admin@localhost.localdomain?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Auricle", "32fed51d942ec482"],
        ["x".repeat(100), "898a791db8daf879"],
        ["x".repeat(150), "9782fa7f0642d3e6"],
        ["x".repeat(200), "64e9db0f7dcfa486"],
        ["\u00e9".repeat(30), "526e837fb4f95519"],
    ];
    for (const [text, expected] of known) assert.equal(digest(text), expected, text);
});

test("a text that is too long has no code", () => {
    assert.equal(qr("x".repeat(500)), null);
});
