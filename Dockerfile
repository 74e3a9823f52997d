# The gateway in a container: built from source, run by a user that may do nothing else.
#
# `docker build -t auricle .`; where there is neither Docker nor a registry, `make image` builds the runtime stage of
# this same file with buildah. RTP wants the host's network, and calls 30 s to come to their end when the container is stopped:
#   docker run --network host --stop-timeout 40 -v auricle:/data auricle
#   docker run --network host --stop-timeout 40 -v auricle:/data -v ./gateway.toml:/etc/auricle/gateway.toml:ro \
#     -e AURICLE_CONFIG=/etc/auricle/gateway.toml auricle
# The health check reads the same file.

FROM docker.io/library/node:22-bookworm-slim AS console
WORKDIR /source/console
COPY console/package.json console/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY console .
RUN npm run build

FROM docker.io/library/rust:1-bookworm AS builder
# libopus is built from source, by cmake.
RUN apt-get update && apt-get install -y --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
COPY --from=console /source/console/dist console/dist
RUN cargo build --profile dist --locked --bin auricle

FROM docker.io/library/debian:bookworm-slim AS runtime
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin auricle \
    && install -d -o auricle -g auricle -m 0700 /data
COPY --from=builder /source/target/dist/auricle /usr/local/bin/auricle
USER auricle
WORKDIR /data
VOLUME /data
# The volume holds the store, whatever a configuration file says. REST (127.0.0.1:8080), SIP and RTP stay on 127.0.0.1 until
# the configuration names an address of this host.
ENV AURICLE__STORE__PATH=/data
EXPOSE 5060/udp 8080/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["auricle", "health"]
ENTRYPOINT ["auricle"]
CMD ["serve"]
