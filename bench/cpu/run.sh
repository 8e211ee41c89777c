#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make bench` runs: Reel and PyTorch in turns on this CPU, with the same weights. Figures go
# to bench/results/ and docs/BENCHMARKS.md.
#
# What it needs lies in REEL_BENCH_CACHE (default: reel-bench in the user's cache folder) and is
# made when missing: a Python environment from requirements.txt (6 GB) and a random checkpoint
# (4 GB). Arguments are handed to compare.py.
set -eu
cd "$(dirname "$0")/../.."

cache=${REEL_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/reel-bench}
checkpoint=$cache/checkpoint-v1
venv=$cache/venv
threads=$(nproc)
mkdir -p "$cache"

# Debian's interpreter; another python3 may stand before it on the PATH.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

free_gb() { df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1000000) }'; }

build() {
  cmake --preset release -DREEL_WITH_BENCHMARKS=ON > "$cache/build.log" 2>&1 &&
    cmake --build --preset release --target reel reel_cpu_bench >> "$cache/build.log" 2>&1 ||
    { cat "$cache/build.log"; exit 1; }
}

# The DiT has the dimensions of the 1.3B model, the VAE is the full one, the text encoder has a
# quarter of UMT5-XXL's width.
write_checkpoint() {
  [ -f "$checkpoint/complete" ] && return
  rm -rf "$checkpoint"
  build/bin/reel synth --layout diffusers --preset wan2.1-t2v-1.3b --text-dim 1024 \
    --t5-ffn-dim 2560 --t5-layers 24 --t5-vocab 2048 --out "$checkpoint" > /dev/null
  touch "$checkpoint/complete"
}

# Prints why there is no environment, or nothing.
make_environment() {
  cmp -s bench/cpu/requirements.txt "$venv/requirements.txt" && return
  rm -rf "$venv"
  if [ "$(free_gb)" -lt 8 ]; then
    echo "its environment takes 6 GB and $cache has $(free_gb) GB free."
  elif ! "$python" -m venv "$venv" > "$cache/venv.log" 2>&1; then
    echo "$python -m venv does not work here (Debian: apt-get install python3-venv)."
  elif ! "$venv/bin/pip" install --quiet --requirement bench/cpu/requirements.txt \
      > "$cache/venv.log" 2>&1; then
    echo "pip could not install bench/cpu/requirements.txt: $(grep -v '^$' "$cache/venv.log" | tail -n 1)"
  elif ! "$venv/bin/python" -c "import diffusers, torch, transformers" > "$cache/venv.log" 2>&1; then
    echo "what pip installed does not load: $(tail -n 1 "$cache/venv.log")"
  else
    cp bench/cpu/requirements.txt "$venv/requirements.txt"
  fi
}

echo "building" >&2
build
echo "writing a random checkpoint to $checkpoint" >&2
write_checkpoint
echo "making PyTorch's environment in $venv (the first time takes minutes)" >&2
reason=$(make_environment)
if [ -n "$reason" ]; then
  echo "Only Reel is measured: $reason"
  set -- --no-peer "$reason" "$@"
else
  set -- --peer-python "$venv/bin/python" "$@"
fi
"$python" bench/cpu/compare.py --program build/bin/reel_cpu_bench --model "$checkpoint" \
  --threads "$threads" --results bench/results "$@"
"$python" bench/report.py
