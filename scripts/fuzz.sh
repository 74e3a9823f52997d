#!/usr/bin/env bash
# Runs every fuzz target for some seconds: scripts/fuzz.sh SECONDS_EACH
#
# The stable toolchain without a sanitizer: our crates forbid unsafe, so what is searched for are panics and endless loops.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}

export CARGO_TARGET_DIR=$PWD/target/fuzz
if ! command -v cargo-fuzz >/dev/null && [ ! -x target/tools/bin/cargo-fuzz ]; then
    echo "fuzz: building cargo-fuzz into target/tools (once)"
    CARGO_TARGET_DIR=$PWD/target cargo install --quiet --locked --root target/tools cargo-fuzz
fi
export PATH=$PWD/target/tools/bin:$PATH

figures=$(mktemp)
trap 'rm -f "$figures"' EXIT
found=no
for home in media sip .; do
    [ -f "$home/fuzz/Cargo.toml" ] || continue
    for target in $(cd "$home" && cargo fuzz list); do
        found=yes
        echo "fuzz: $home/$target, $seconds s"
        said=$(cd "$home" && cargo fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 2>&1 | tail -n 12)
        echo "$said"
        echo "$home/$target $(awk '/^stat::number_of_executed_units/{print $2}' <<<"$said")" >>"$figures"
    done
done
if [ $found = no ]; then
    echo "fuzz: no fuzz target found" >&2
    exit 1
fi
python3 scripts/measured.py --fuzz "$figures" "$seconds"
