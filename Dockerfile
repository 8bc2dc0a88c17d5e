# The images can come from a mirror: docker build --build-arg REGISTRY=mirror.example.com/library .
ARG REGISTRY=docker.io/library

FROM ${REGISTRY}/rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# --locked: exactly the versions in Cargo.lock. The caches need BuildKit, or Buildah.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked \
    && install -D target/release/otpd /out/usr/local/bin/otpd \
    && install -D -m 0644 LICENSE /out/usr/share/doc/otpd/LICENSE \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt

FROM ${REGISTRY}/debian:bookworm-slim
LABEL org.opencontainers.image.title="otpd" \
      org.opencontainers.image.description="A self-hosted service for one-time passwords" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /out/ /
RUN install -d -m 0700 -o 65532 -g 65532 /var/lib/otpd
# Inside a container loopback is unreachable from outside. Publish the port on an address of your choice.
ENV OTPD_SERVER__HOST=0.0.0.0 \
    OTPD_DATABASE__PATH=/var/lib/otpd/otp.db
# All commands read otp.toml from here; mount it read-only: -v ./otp.toml:/etc/otpd/otp.toml:ro
WORKDIR /etc/otpd
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
VOLUME /var/lib/otpd
EXPOSE 8080
# A stop takes up to 25 seconds: docker stop --time 30.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/otpd", "health"]
ENTRYPOINT ["/usr/local/bin/otpd"]
CMD ["serve"]
