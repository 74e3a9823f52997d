#!/usr/bin/env bash
# Plays a spoken file into a fresh gateway over SIP with the built-in phone, records the answer, prints the call's timeline.
#
# The agent is the built-in simulator: it greets, then repeats what it heard. Ports are apart from those of `make run`.
set -euo pipefail
cd "$(dirname "$0")/.."

auricle=$PWD/target/release/auricle
folder=$PWD/target/demo
sip=127.0.0.1:5160
http=127.0.0.1:8180
agent=127.0.0.1:9302
secret=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')

rm -rf "$folder"
mkdir -p "$folder"

gateway=
trap '[ -z "$gateway" ] || { kill "$gateway" && wait "$gateway"; } 2>/dev/null || true' EXIT

# A WAV file of mono 16 bit at 8 kHz from bare samples.
wav() {
    local bytes
    bytes=$(stat -c %s "$1")
    number() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $((($1 >> 8) & 255)))\\x$(printf %02x $((($1 >> 16) & 255)))\\x$(printf %02x $((($1 >> 24) & 255)))"; }
    { printf 'RIFF'; number $((bytes + 36)); printf 'WAVEfmt \x10\0\0\0\x01\0\x01\0'; number 8000; number 16000; printf '\x02\0\x10\0data'; number "$bytes"; cat "$1"; } >"$2"
}

get() {
    exec 3<>"/dev/tcp/${http%:*}/${http#*:}" || return 1
    printf 'GET %s HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n' "$1" "$http" "$secret" >&3
    sed '1,/^\r$/d' <&3
    exec 3<&-
}

pretty() { if command -v python3 >/dev/null; then python3 -m json.tool; else cat; fi; }

speech=/usr/share/codec2/raw/hts1.raw
if [ ! -f "$speech" ]; then
    echo "demo: no speech to play; the package codec2-examples has it" >&2
    exit 1
fi
# The greeting comes first; then the words; then silence in which they are repeated.
{ head -c 48000 /dev/zero; cat "$speech"; head -c 128000 /dev/zero; } >"$folder/spoken.raw"
wav "$folder/spoken.raw" "$folder/spoken.wav"

AURICLE__SIP__LISTEN=$sip AURICLE__HTTP__LISTEN=$http AURICLE__STORE__PATH=$folder/store AURICLE__HTTP__ADMIN_SECRET=$secret \
    AURICLE__SIMULATOR__LISTEN=$agent AURICLE__AGENTS__SIMULATOR__URL=ws://$agent/ \
    "$auricle" serve >"$folder/gateway.log" 2>&1 &
gateway=$!
for _ in $(seq 100); do
    get /health >/dev/null 2>&1 && break
    if ! kill -0 "$gateway" 2>/dev/null; then
        tail -n 20 "$folder/gateway.log" >&2
        exit 1
    fi
    sleep 0.1
done

echo "Calling sip:demo@$sip and saying $(basename "$speech")…"
"$auricle" call --to "sip:demo@$sip" --play "$folder/spoken.wav" --record "$folder/answer.wav" --seconds 16 --expect speech | tee "$folder/phone.json"
sleep 0.5
call=$(get /v1/calls | grep -oE '"call_[A-Za-z0-9_-]+"' | head -n 1 | tr -d '"')
echo
echo "The call as the gateway recorded it:"
get "/v1/calls/$call" | pretty
echo
echo "Said:     $folder/spoken.wav"
echo "Answered: $folder/answer.wav"
