#!/usr/bin/env bash
# Licences, banned crates and sources of the dependency tree, by cargo-deny and deny.toml.
#
# cargo-deny is built once into target/tools. Where it cannot be had, the bans are still checked against Cargo.lock.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tool=$(command -v cargo-deny || true)
[ -n "$tool" ] || tool=target/tools/bin/cargo-deny
if [ ! -x "$tool" ] && [ "${AURICLE_INSTALL_DENY:-yes}" = yes ]; then
    echo "deny: building cargo-deny $version into target/tools (once, some minutes)"
    cargo install --quiet --locked --root target/tools "cargo-deny@$version" || true
fi

if [ -x "$tool" ]; then
    exec "$tool" --log-level error check licenses bans sources
fi

echo "deny: cargo-deny could not be had; checking only the bans and the sources in Cargo.lock" >&2
banned=$(grep -oE '^name = "(aws-lc-rs|aws-lc-sys|openssl|openssl-sys|native-tls)"' Cargo.lock || true)
foreign=$(grep -E '^source = ' Cargo.lock | grep -v 'registry+https://github.com/rust-lang/crates.io-index' || true)
if [ -n "$banned$foreign" ]; then
    printf 'deny: not allowed:\n%s\n%s\n' "$banned" "$foreign" >&2
    exit 1
fi
