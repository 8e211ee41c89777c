#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make test` runs after the release build: each step prints how long it took.
set -eu
cd "$(dirname "$0")/.."

# Debian's interpreter, which has python3-numpy; another python3 may stand before it on the PATH.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

step() {
  name=$1
  shift
  start=$(date +%s)
  echo "== $name"
  "$@"
  echo "   $(($(date +%s) - start)) s"
}

format() {
  find include src tests bench tools python -name '*.cpp' -o -name '*.h' -o -name '*.inc' -o -name '*.cu' -o -name '*.cuh' 2> /dev/null |
    grep -v html_entities.inc | xargs -P "$(nproc)" -n 50 clang-format --dry-run -Werror
  python3 tools/check_text.py .
}

# ctest without the lines about what passed. The pipe ends as grep does, so ctest's end is kept.
shorter_ctest() {
  rm -f build/ctest-passed
  { ctest "$@" && touch build/ctest-passed || true; } |
    grep -vE '^ *[0-9]+/[0-9]+ Test .*Passed|^ *Start ' || true
  [ -e build/ctest-passed ]
}

release_tests() {
  shorter_ctest --test-dir build --output-on-failure --no-tests=error -L 'unit|golden|fuzz|e2e|docs' -j 2
}

# The readers of untrusted files, and CUDA kernels on the CPU, under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitized_tests() {
  cmake --preset asan > build-asan.log 2>&1 || { cat build-asan.log; return 1; }
  rm -f build-asan.log
  cmake --build --preset asan --target sanitized_tests
  shorter_ctest --test-dir build-asan --output-on-failure --no-tests=error -L sanitized -j 2
}

demo_score() {
  "$python" tools/demo_model/score.py --reel build/bin/reel --model models/demo --misses build/misses.png
}

step "formatting" format
step "release tests" release_tests
step "readers and CUDA kernels under ASan and UBSan" sanitized_tests
step "demo score" demo_score
echo "make test: all passed"
