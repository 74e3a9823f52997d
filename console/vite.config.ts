import { defineConfig } from "vite";

// The page that the gateway serves. For work on it: `npm run dev`, with a gateway on GATEWAY (http://127.0.0.1:8080).
const gateway = process.env["GATEWAY"] ?? "http://127.0.0.1:8080";

export default defineConfig({
    esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
    build: {
        target: "es2022",
        outDir: "dist",
        // The folder stays where it is: its own .gitignore keeps it in a clone (scripts/build.mjs empties it).
        emptyOutDir: false,
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        cssCodeSplit: false,
        reportCompressedSize: false,
    },
    server: { proxy: { "/v1": { target: gateway }, "/health": { target: gateway } } },
    preview: { proxy: { "/v1": { target: gateway }, "/health": { target: gateway } } },
});
