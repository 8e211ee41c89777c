# SPDX-License-Identifier: Apache-2.0
# Reel for NVIDIA GPUs. From the repository's root: docker build -f docker/cuda.Dockerfile -t reel:cuda .
# Pinned by tag; for the same bytes each time, add the @sha256: of the image you tested.
FROM nvidia/cuda:12.8.1-devel-ubuntu24.04 AS build
WORKDIR /src
COPY . .
RUN scripts/install-deps.sh < /dev/null && rm -rf /var/lib/apt/lists/*
RUN cmake --preset dist && cmake --build --preset dist --target reel reel_ffmpeg
RUN apt-get update && apt-get install -y --no-install-recommends xz-utils binutils && rm -rf /var/lib/apt/lists/*
RUN scripts/make_dist.sh build-dist && mkdir /opt/reel && tar -xf dist/reel-*-linux-x86_64.tar.xz -C /opt/reel --strip-components=1

FROM nvidia/cuda:12.8.1-base-ubuntu24.04
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg libcurl4t64 ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1500 reel && mkdir -p /models /clips && chown reel:reel /models /clips
COPY --from=build /opt/reel /opt/reel
ENV REEL_MODELS=/models
WORKDIR /clips
USER reel
ENTRYPOINT ["/opt/reel/bin/reel"]
