# SPDX-License-Identifier: Apache-2.0
# Reel for the CPU. From the repository's root: docker build -f docker/cpu.Dockerfile -t reel:cpu .
FROM debian:12.12-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c AS build
WORKDIR /src
COPY . .
RUN scripts/install-deps.sh --program < /dev/null && rm -rf /var/lib/apt/lists/*
RUN cmake --preset dist && cmake --build --preset dist --target reel reel_ffmpeg
RUN scripts/make_dist.sh build-dist --into /opt/reel

FROM debian:12.12-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg libcurl4 ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1500 reel && mkdir /models /clips && chown reel:reel /models /clips
COPY --from=build /opt/reel /opt/reel
ENV REEL_MODELS=/models HF_HUB_CACHE=/models/.hub
WORKDIR /clips
USER 1500
ENTRYPOINT ["/opt/reel/bin/reel"]
