#!/usr/bin/env bash
# Runs fuzz targets, all of them or those named: scripts/fuzz.sh SECONDS_EACH [TARGET…], a target being media/rtp or so.
# With UNTIL=SECONDS in the environment each runs for what it lacks of that, all runs of the project together.
#
# The stable toolchain without a sanitizer: our crates forbid unsafe, so what is searched for are panics and endless loops.
# What is found is in target/fuzz/found; what was learnt on the way stays in target/fuzz/corpus for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true

export CARGO_TARGET_DIR=$PWD/target/fuzz
if ! command -v cargo-fuzz >/dev/null && [ ! -x target/tools/bin/cargo-fuzz ]; then
    echo "fuzz: building cargo-fuzz into target/tools (once)"
    CARGO_TARGET_DIR=$PWD/target cargo install --quiet --locked --root target/tools cargo-fuzz
fi
export PATH=$PWD/target/tools/bin:$PATH
machine=$(rustc -vV | awk '/^host:/{print $2}')

if [ $# = 0 ]; then
    for home in media sip .; do
        [ -f "$home/fuzz/Cargo.toml" ] || continue
        for target in $(cd "$home" && cargo fuzz list); do set -- "$@" "$home/$target"; done
    done
fi
if [ $# = 0 ]; then
    echo "fuzz: no fuzz target found" >&2
    exit 1
fi

# Built before the first runs, so that no compiler's time counts.
for home in $(printf '%s\n' "$@" | xargs -n 1 dirname | sort -u); do
    (cd "$home" && cargo fuzz build --sanitizer none)
done
for name in "$@"; do
    home=$(dirname "$name") target=$(basename "$name")
    lacking=$seconds
    if [ -n "${UNTIL:-}" ]; then
        lacking=$((UNTIL - $(python3 scripts/measured.py --fuzzed "$name")))
        [ "$lacking" -gt 0 ] || continue
    fi
    echo "fuzz: $name, $lacking s"
    mkdir -p "target/fuzz/corpus/$name" "target/fuzz/found/$name"
    seeds=$home/fuzz/seeds/$target
    cpu=$(mktemp)
    said=$(TIMEFORMAT='%0U' && { time "target/fuzz/$machine/release/$target" -max_total_time="$lacking" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="target/fuzz/found/$name/" "target/fuzz/corpus/$name" $([ -d "$seeds" ] && echo "$seeds") 2>&1 | tail -n 24; } 2>"$cpu") || {
        echo "$said"
        exit 1
    }
    runs=$(awk '/^stat::number_of_executed_units/{print $2}' <<<"$said")
    echo "fuzz: $name, $runs executions in $(<"$cpu") s of CPU"
    python3 scripts/measured.py --fuzz "$name" "$runs" "$lacking" "$(<"$cpu")"
    rm -f "$cpu"
done
