#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make fuzz`: new inputs for every reader, 60 s each (REEL_FUZZ_SECONDS), under ASan and UBSan. What
# it finds is written to build-asan/fuzz/ and belongs into the target's corpus once mended.
set -eu
cd "$(dirname "$0")/../.."
seconds=${REEL_FUZZ_SECONDS:-60}

cmake --preset asan > /dev/null
ninja -C build-asan -t targets all | sed -n 's/^\(fuzz_[a-z_]*\): phony.*/\1/p' |
  xargs cmake --build --preset asan --target
mkdir -p build-asan/fuzz

failed=""
for corpus in tests/fuzz/*/corpus/*/; do
  name=$(basename "$corpus")
  mkdir -p "build-asan/fuzz/$name"
  echo "== $name, $seconds s"
  if ! "build-asan/bin/fuzz_$name" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 \
      -artifact_prefix="build-asan/fuzz/$name-" "build-asan/fuzz/$name" "$corpus"; then
    failed="$failed $name"
  fi
done
if [ -n "$failed" ]; then
  echo "make fuzz: found something in:$failed (see build-asan/fuzz)"
  exit 1
fi
echo "make fuzz: nothing found"
