#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what building, testing and running Reel need on Debian 12 (Ubuntu 24.04 is expected to
# have the same packages). As root without a terminal it installs; otherwise it prints the one
# line and asks. CUDA is detected, never installed.
# --program: only what building the program and its bundle needs.
set -eu

packages="build-essential cmake ninja-build pkg-config git ca-certificates xz-utils \
nlohmann-json3-dev libcli11-dev libspdlog-dev libpng-dev zlib1g-dev libutf8proc-dev \
libxxhash-dev libssl-dev libcurl4-openssl-dev libdnnl-dev libcpp-httplib-dev libsqlite3-dev libavformat-dev libavcodec-dev libavutil-dev"
case "${1-}" in
  --program) ;;
  "") packages="$packages curl python3 python3-numpy python3-dev python3-venv pybind11-dev python3-pytest \
clang clang-format clang-tidy libclang-rt-14-dev llvm \
libsentencepiece-dev libgtest-dev libgmock-dev libbenchmark-dev ffmpeg" ;;
  *)
    echo "install-deps: \"$1\" is not known; --program or nothing is." >&2
    exit 2 ;;
esac

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done

if [ -z "$missing" ]; then
  echo "install-deps: everything is there." >&2
else
  command="apt-get install -y --no-install-recommends$missing"
  if [ "$(id -u)" = 0 ] && [ ! -t 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    # shellcheck disable=SC2086
    $command
  else
    echo "Reel needs some packages. This line installs them:" >&2
    echo "  sudo $command" >&2
    printf 'Run it now? [y/N] ' >&2
    read -r answer || answer=n
    case "$answer" in
      y | Y | yes)
        if [ "$(id -u)" = 0 ]; then apt-get update; else sudo apt-get update; fi
        # shellcheck disable=SC2086
        if [ "$(id -u)" = 0 ]; then $command; else sudo $command; fi
        ;;
      *)
        echo "install-deps: nothing was installed." >&2
        exit 1
        ;;
    esac
  fi
fi

if command -v nvcc >/dev/null 2>&1; then
  echo "install-deps: CUDA compiler found: $(nvcc --version | tail -n 2 | head -n 1)" >&2
else
  echo "install-deps: no CUDA compiler; Reel is built for the CPU." >&2
fi
