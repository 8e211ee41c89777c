#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make score` runs after the build: the demo model's clips measured in the FP8 layout with both
# samplers, then the same weights as INT8, BF16 and GGUF Q8_0. Fails when any of them is below a mark
# of score.py. Sheets of misses stay in build/score.
#
#   CLIPS=64          clips per row, all of held-out combinations; fixed seeds
#   REEL=build/bin/reel
set -eu
cd "$(dirname "$0")/../.."

clips=${CLIPS:-64}
reel=${REEL:-build/bin/reel}
sheets=build/score
# Debian's interpreter, which has python3-numpy; another python3 may stand before it on the PATH.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
rm -rf "$sheets"
mkdir -p "$sheets"
table=$work/table
failed=

# score LABEL NAME SAMPLER MODEL
score() {
  echo "== $1, $3"
  "$python" tools/demo_model/score.py --reel "$reel" --model "$4" --count "$clips" \
    --misses "$sheets/$2-$3.png" --row "$table" --label "$1 | $3" -- --sampler "$3" ||
    failed="$failed $2-$3"
}

# rewritten LAYOUT: the demo model's weights in another layout; prints the folder.
rewritten() {
  "$reel" synth --quiet --from models/demo --layout "$1" --out "$work/$1" > "$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
  }
  echo "$work/$1"
}

score "FP8 (as shipped)" fp8 lcm models/demo
score "FP8 (as shipped)" fp8 euler models/demo
model=$(rewritten distill_int8)
score "INT8" int8 lcm "$model"
model=$(rewritten bf16)
score "BF16" bf16 lcm "$model"
model=$(rewritten gguf:q8_0)
score "GGUF Q8_0" q8_0 lcm "$model"

echo
echo "| weights | sampler | clips | colour | shape | motion | background | all four |"
echo "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
cat "$table"
echo
if [ -n "$failed" ]; then
  echo "make score: below the marks:$failed; their misses are drawn in $(pwd)/$sheets" >&2
  exit 1
fi
echo "make score: all above the marks"
