#!/usr/bin/env bash
# Finds or installs what a part of the work needs: scripts/setup.sh [run|demo|console|test|quality|mutants|bench|image]…
#
# Silent and quick when nothing is missing. As root it installs by apt-get; otherwise it prints the one command to run.
# What the build needs must be there; a missing test tool is named, and the tests that want it say that they skip.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

needed=()   # packages without which nothing builds
wanted=()   # packages without which something is skipped
cmake_wanted=no
pypi_cmake=cmake==4.2.0
policy=/usr/sbin/policy-rc.d   # what asks whether a service may be started
node_clients="jssip@3.13.8 ws@8.23.0 hep-js@1.0.22 playwright-core@1.61.0 axe-core@4.14.1 @elevenlabs/types@0.23.0 typescript@7.0.2"

need() { have "$1" || needed+=("$2"); }
want() { have "$1" || wanted+=("$2"); }
have() {
    case "$1" in
        /*) compgen -G "$1" >/dev/null ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

part_run() {
    if ! have cargo; then
        echo "setup: Rust is missing; install it from https://rustup.rs, then run this again" >&2
        exit 1
    fi
    need cc gcc          # linking, and the C of SQLite, ring and libopus
    have cmake || [ -x target/venv/bin/cmake ] || cmake_wanted=yes
}

part_demo() {
    part_run
    want /usr/share/codec2/raw/hts1.raw codec2-examples
}

part_console() {
    want node nodejs
    want npm npm
}

part_test() {
    part_run
    part_console
    want chromium chromium
    want firefox-esr firefox-esr
    want turnserver coturn
    want sipp sip-tester
    want tcpdump tcpdump
    want baresip baresip-core
    want /usr/lib/baresip/modules/sndfile.so baresip-core
    want /usr/share/codec2/raw/hts1.raw codec2-examples
    # Two hours of speech that no key detector may take for keys.
    local language kind
    for language in en es fr it ru; do
        for kind in wav g722; do
            want "/usr/share/asterisk/sounds/${language}_*/vm-goodbye.$kind" "asterisk-core-sounds-$language-$kind"
        done
    done
    want kamailio kamailio
    want "/usr/lib/*/kamailio/modules/tls.so" kamailio-tls-modules
    want sqlite3 sqlite3
    mongo_server
    want python3 python3
    # ensurepip is what Debian leaves out of python3; the headers are for the one package that comes as C.
    python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
    python3 -c 'import os, sysconfig as s, sys; sys.exit(not os.path.exists(s.get_path("include") + "/Python.h"))' 2>/dev/null || wanted+=(python3-dev)
}

part_bench() {
    part_run
    want python3 python3
    want perf linux-perf
}

part_image() {
    part_run
    need mmdebstrap mmdebstrap
    need buildah buildah
}

install() {
    local packages=("$@")
    if ! have apt-get; then
        echo "setup: missing: ${packages[*]} (Debian's names; install them with this system's package tool)" >&2
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "setup: missing: ${packages[*]}. Run:  sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
        return 1
    fi
    echo "setup: installing ${packages[*]}"
    local log
    log=$(mktemp)
    if ! apt_install "${packages[@]}" >"$log" 2>&1; then
        # The package lists of a fresh machine are empty or old: refresh them once.
        if ! { apt-get update -qq && apt_install "${packages[@]}"; } >"$log" 2>&1; then
            tail -n 5 "$log" >&2
            rm -f "$log"
            return 1
        fi
    fi
    rm -f "$log"
}

# Debian starts what it installs, at once and with the machine, coturn as a relay for everybody: here programs are wanted, not services.
apt_install() {
    (
        if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
            trap 'rm -f "$policy"' EXIT
            trap 'exit 1' HUP INT TERM
            printf '#!/bin/sh\n# By scripts/setup.sh, for as long as it installs: nothing is started.\nexit 101\n' >"$policy"
            chmod 755 "$policy"
        fi
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
    ) && disable_services "$@"
}

disable_services() {
    local package unit
    have systemctl || return 0
    for package in "$@"; do
        for unit in $(dpkg -L "$package" 2>/dev/null | sed -n 's|.*/lib/systemd/system/\([^/@]*\.service\)$|\1|p'); do
            systemctl disable --quiet "$unit" || true
        done
    done
}

# The Python packages of a list, only when it changed: python_packages LIST MARK [options of pip]
python_packages() {
    local venv=target/venv list=$1 mark=target/venv/$2
    shift 2
    cmp -s "$list" "$mark" 2>/dev/null && return 0
    have python3 || return 1
    echo "setup: installing the Python packages of $list into $venv"
    mkdir -p target
    python3 -m venv "$venv" \
        && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" -r "$list" \
        && cp "$list" "$mark"
}

# A server of MongoDB's wire protocol for the tests of that store, where MONGO_URI names no other and Java and Maven are.
mongo_server() {
    local folder=target/tools/mongo list=tests/support/mongo/pom.xml
    [ -n "${MONGO_URI:-}" ] && return 0
    cmp -s "$list" "$folder/pom.xml" 2>/dev/null && return 0
    if ! have java || ! have mvn; then
        echo "setup: neither MONGO_URI is set nor are java and mvn installed; the tests of the MongoDB store will say that they are skipped" >&2
        return 0
    fi
    echo "setup: fetching the MongoDB server for tests into $folder"
    mkdir -p "$folder"
    mvn --quiet --batch-mode --file "$list" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DoutputDirectory="$PWD/$folder" >/dev/null && cp "$list" "$folder/pom.xml" \
        || echo "setup: it cannot be had; the tests of the MongoDB store will say that they are skipped" >&2
}

# The SIP client of browsers, the reader of HEP, the types of ElevenLabs' messages and what holds messages against them, and what steers a browser and
# looks how accessible a page is, at their pinned versions, only when one changed.
node_packages() {
    local folder=target/node
    [ "$(cat $folder/installed.txt 2>/dev/null)" = "$node_clients" ] && return 0
    have npm || return 1
    echo "setup: installing $node_clients into $folder"
    mkdir -p $folder
    # shellcheck disable=SC2086 # one word a package
    npm install --prefix $folder --no-audit --no-fund --no-save --loglevel=error $node_clients && echo "$node_clients" >$folder/installed.txt
}

# libopus is built by cmake: Debian's package, or PyPI's where nothing can be installed into the system.
cmake_anyhow() {
    install cmake 2>/dev/null && return 0
    if have python3; then
        echo "setup: installing cmake from PyPI into target/venv"
        mkdir -p target
        python3 -m venv target/venv && target/venv/bin/python -m pip install --quiet --disable-pip-version-check "$pypi_cmake" && return 0
    fi
    echo "setup: cmake is missing, and libopus is not built without it. Install cmake 3.16 or newer (Debian: sudo apt-get install cmake)" >&2
    return 1
}

main() {
    local parts=("${@:-run}") part tests=no plots=no mutants=no
    for part in "${parts[@]}"; do
        case "$part" in
            run | demo | console | bench | image) "part_$part" ;;
            test) part_test; tests=yes ;;
            quality) part_test; tests=yes plots=yes ;;
            mutants) part_test; tests=yes mutants=yes ;;
            *) echo "setup: unknown part '$part' (run, demo, console, test, quality, mutants, bench, image)" >&2; exit 2 ;;
        esac
    done
    if [ ${#needed[@]} -gt 0 ]; then
        mapfile -t needed < <(printf '%s\n' "${needed[@]}" | sort -u)
        install "${needed[@]}"
    fi
    [ $cmake_wanted = no ] || cmake_anyhow
    if [ ${#wanted[@]} -gt 0 ]; then
        mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sort -u)
        install "${wanted[@]}" || echo "setup: going on; what needs ${wanted[*]} will say that it is skipped" >&2
    fi
    if [ $tests = yes ]; then
        python_packages tests/support/requirements.txt installed.txt \
            || echo "setup: going on without the Python packages; the tests that need them will say that they are skipped" >&2
        python_packages tests/turns/requirements.txt installed-turns.txt --no-deps \
            || echo "setup: going on without Pipecat; the test that needs it will say that it is skipped" >&2
        python_packages tests/agent_messages/requirements.txt installed-messages.txt --no-deps \
            || echo "setup: going on without the types of Ultravox's messages; the test that needs them will say that it is skipped" >&2
        python_packages tests/interop/requirements.txt installed-interop.txt --only-binary :all: \
            || echo "setup: going on without PJSIP; the tests that need it will say that they are skipped" >&2
        python_packages tests/rest/requirements.txt installed-rest.txt \
            || echo "setup: going on without Schemathesis; the test that needs it will say that it is skipped" >&2
    fi
    if [ $tests = yes ]; then
        node_packages || echo "setup: going on without the packages of Node; the tests that need them will say that they are skipped" >&2
    fi
    if [ $mutants = yes ]; then
        python_packages scripts/mutants-requirements.txt installed-mutants.txt
    fi
    if [ $plots = yes ]; then
        python_packages tests/quality/requirements.txt installed-quality.txt || echo "setup: going on without plots" >&2
    fi
}

# A test takes the functions alone.
[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
