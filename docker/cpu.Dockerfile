# SPDX-License-Identifier: Apache-2.0
# Reel for the CPU. From the repository's root: docker build -f docker/cpu.Dockerfile -t reel:cpu .
# Pinned by tag; for the same bytes each time, add the @sha256: of the image you tested.
FROM debian:12-slim AS build
WORKDIR /src
COPY . .
RUN scripts/install-deps.sh < /dev/null && rm -rf /var/lib/apt/lists/*
RUN cmake --preset dist && cmake --build --preset dist --target reel reel_ffmpeg
RUN apt-get update && apt-get install -y --no-install-recommends xz-utils binutils && rm -rf /var/lib/apt/lists/*
RUN scripts/make_dist.sh build-dist && mkdir /opt/reel && tar -xf dist/reel-*-linux-x86_64.tar.xz -C /opt/reel --strip-components=1

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg libcurl4 ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1500 reel && mkdir -p /models /clips && chown reel:reel /models /clips
COPY --from=build /opt/reel /opt/reel
ENV REEL_MODELS=/models
WORKDIR /clips
USER reel
ENTRYPOINT ["/opt/reel/bin/reel"]
