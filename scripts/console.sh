#!/usr/bin/env bash
# The console's own tools, on the packages of its lock file: scripts/console.sh build|check|test
#
# `build` does nothing when the page is newer than its sources. Without Node the gateway is built without its console, and
# says so on a page of its own.
set -euo pipefail
cd "$(dirname "$0")/../console"

if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' 2>/dev/null; then
    echo "console: Node 18 or newer and npm are not installed; going on without the console" >&2
    exit 0
fi

packages() {
    cmp -s package-lock.json node_modules/.installed-lock 2>/dev/null && return 0
    echo "console: installing its packages"
    # Nothing of them runs at its installation.
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.installed-lock
}

is_current() {
    [ -f dist/index.html ] && [ -f sdk/dist/auricle.js ] \
        && [ -z "$(find src sdk/src scripts index.html vite.config.ts package-lock.json -newer dist/index.html -print -quit)" ]
}

case "${1:-build}" in
    build) is_current || { packages; npm run --silent build; } ;;
    check) packages; npm run --silent check ;;
    test) packages; npm test --silent ;;
    *) echo "console.sh: build, check or test" >&2; exit 2 ;;
esac
