#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make fuzz`: new inputs for every reader, 60 s each (REEL_FUZZ_SECONDS), under ASan and UBSan, as
# many at once as there are cores. run.sh TARGET...: these alone, named as their folders of corpus/.
# What it finds is written to build-fuzz/fuzz/ and belongs into the target's corpus once mended.
set -eu
cd "$(dirname "$0")/../.."
seconds=${REEL_FUZZ_SECONDS:-60}
targets=${*:-$(for corpus in tests/fuzz/*/corpus/*/; do basename "$corpus"; done)}

cmake --preset fuzz > /dev/null
# shellcheck disable=SC2086
cmake --build --preset fuzz --target $(printf 'fuzz_%s ' $targets)
mkdir -p build-fuzz/fuzz

# One target: its last lines are said, all of them are in build-fuzz/fuzz/TARGET.log.
fuzz_one='
  seconds=$1; name=$2; found=build-fuzz/fuzz/$name
  mkdir -p "$found"
  if "build-fuzz/bin/fuzz_$name" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 \
      -artifact_prefix="$found-" "$found" tests/fuzz/*/corpus/"$name" > "$found.log" 2>&1; then
    echo "$name, $seconds s: $(sed -n "s/^stat::number_of_executed_units: *//p" "$found.log") inputs"
  else
    tail -n 60 "$found.log"
    echo "$name: found something, see $found.log"
    exit 1
  fi
'
if ! printf '%s\n' $targets | xargs -P "$(nproc)" -I {} sh -c "$fuzz_one" fuzz "$seconds" {}; then
  echo "make fuzz: found what is said above"
  exit 1
fi
echo "make fuzz: nothing found"
