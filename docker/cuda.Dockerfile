# SPDX-License-Identifier: Apache-2.0
# Reel for NVIDIA GPUs. From the repository's root: docker build -f docker/cuda.Dockerfile -t reel:cuda .
# It has no CUDA of its own but what is linked into the program: the driver's libraries come from the host.
FROM debian:12.12-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c AS build
# One's own card alone, as 89-real, is built in a fraction of the time.
ARG CUDA_ARCHITECTURES="80-real;86-real;89-real;90-real;120-real;120-virtual"
WORKDIR /src
COPY . .
RUN scripts/install-deps.sh --program < /dev/null && apt-get install -y --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/*
# The two names under which nvcc and CMake look for the runtime.
RUN python3 -m pip install --no-cache-dir --no-deps --require-hashes --target /opt/toolkit -r docker/cuda-toolkit.txt && ln -s lib /opt/toolkit/nvidia/cu13/lib64 && ln -s libcudart.so.13 /opt/toolkit/nvidia/cu13/lib/libcudart.so
ENV PATH=/opt/toolkit/nvidia/cu13/bin:$PATH
RUN cmake --preset dist -DREEL_WITH_CUDA=ON "-DCMAKE_CUDA_ARCHITECTURES=$CUDA_ARCHITECTURES" && cmake --build --preset dist --target reel reel_ffmpeg
RUN scripts/make_dist.sh build-dist --into /opt/reel

FROM debian:12.12-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg libcurl4 ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1500 reel && mkdir /models /clips && chown reel:reel /models /clips
COPY --from=build /opt/reel /opt/reel
ENV REEL_MODELS=/models HF_HUB_CACHE=/models/.hub
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /clips
USER 1500
ENTRYPOINT ["/opt/reel/bin/reel"]
