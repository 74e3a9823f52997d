#!/usr/bin/env bash
# Builds the container image without a registry, starts it, and asks it for its health.
#
# The Dockerfile's runtime stage, as it stands: mmdebstrap makes the Debian base in place of debian:bookworm-slim, and the
# shipped binary of this checkout takes the place of the builder stage. Leaves target/image/auricle.tar for `docker load`.
set -euo pipefail
cd "$(dirname "$0")/.."

home=$PWD/target/image
suite=bookworm
binary=target/dist/auricle
image=localhost/auricle

# chroot isolation needs neither namespaces nor a runtime, vfs neither overlayfs nor fuse: both work in a build machine.
export BUILDAH_ISOLATION=chroot
buildah() { command buildah --storage-driver vfs --root "$home/storage" --runroot "$home/run" "$@"; }

server=
container=
clean() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$container" ] || buildah rm "$container" >/dev/null || true
}
trap clean EXIT

base() {
    local tar=$home/base-$suite.tar made
    if [ ! -f "$tar" ]; then
        echo "image: making a base of Debian $suite (once)"
        mmdebstrap --quiet --variant=minbase "$suite" "$tar.part" && mv "$tar.part" "$tar"
    fi
    if ! buildah inspect --type image "$image-base" >/dev/null 2>&1; then
        made=$(buildah from scratch)
        buildah add --quiet "$made" "$tar" / >/dev/null
        buildah commit --quiet --rm "$made" "$image-base" >/dev/null
    fi
}

build() {
    # A context of the builder's name stands in for the stage: COPY --from=builder finds the binary in it.
    local context=$home/builder
    rm -rf "$context"
    install -D "$binary" "$context/source/$binary"
    buildah bud --quiet --format docker --pull-never --tag "$image" --build-context "builder=$context" \
        --build-context "docker.io/library/rust:1-bookworm=container-image://$image-base" \
        --build-context "docker.io/library/debian:bookworm-slim=container-image://$image-base" . >/dev/null
    rm -f "$home/auricle.tar"
    buildah push --quiet "$image" "docker-archive:$home/auricle.tar:auricle:latest"
}

# The process that runs the gateway below process $1, if it is up.
gateway_below() {
    local stat pid parent
    for stat in /proc/[0-9]*/stat; do
        read -r pid _ _ parent _ <"$stat" 2>/dev/null || continue
        [ "$parent" = "$1" ] || continue
        if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = auricle ]; then echo "$pid"; else gateway_below "$pid"; fi
    done
}

health() {
    local status
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
    IFS= read -r -t 3 status <&3
    exec 3<&-
    [[ $status == *" 200 "* ]]
}

check() {
    # Below the ports of RTP.
    local port=$((10000 + RANDOM % 6000)) started=$SECONDS gateway uid
    container=$(buildah from --pull-never "$image")
    buildah run --env "AURICLE__HTTP__LISTEN=127.0.0.1:$port" --env "AURICLE__SIP__LISTEN=127.0.0.1:$((port + 1))" \
        --env "AURICLE__SIMULATOR__LISTEN=127.0.0.1:$((port + 2))" "$container" -- auricle serve >"$home/gateway.log" 2>&1 &
    server=$!
    until health "$port" 2>/dev/null; do
        if ! kill -0 "$server" 2>/dev/null || [ $((SECONDS - started)) -gt 30 ]; then
            echo "image: the gateway in the image does not answer /health; its last lines:" >&2
            tail -n 20 "$home/gateway.log" >&2
            exit 1
        fi
        sleep 0.2
    done
    gateway=$(gateway_below "$server")
    uid=$(awk '/^Uid:/{print $2}' "/proc/$gateway/status")
    if [ "$uid" = 0 ]; then
        echo "image: the gateway runs as root" >&2
        exit 1
    fi
    kill -TERM "$gateway"
    wait "$server" || true
    server=
    echo "RESULT image health=200 uid=$uid size_mb=$(($(stat -c %s "$home/auricle.tar") / 1000000))"
}

mkdir -p "$home"
base
build
check
echo "image: target/image/auricle.tar is ready for \`docker load\`"
