#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How long Ctrl-C takes on a model of true size: a random 1.3B at 832x480, stopped in each phase.
#
#   tests/e2e/stop_1_3b.sh [FOLDER]     FOLDER (default /tmp) needs 9 GB; it is cleaned up again
#
# Prints one line per phase. Fails when a stop took more than 500 ms, left a file in the output
# folder, or did not say how to continue a run that had begun to denoise.
# FRAMES (default 17), TRIES (default 2 a phase) and MODEL (a checkpoint that is there) may be set.
set -eu
reel=$(realpath "$(dirname "$0")/../../build/bin/reel")
work=$(mktemp -d "${1:-/tmp}/reel-stop-XXXXXX")
trap 'rm -rf "$work"' EXIT
export XDG_STATE_HOME=$work/state HOME=$work XDG_CONFIG_HOME=$work
frames=${FRAMES:-17}
tries=${TRIES:-2}
failed=0

model=${MODEL:-$work/model}
if [ -z "${MODEL:-}" ]; then
  echo "writing a random wan2.1-t2v-1.3b in $work"
  "$reel" synth --preset wan2.1-t2v-1.3b --out "$model" >/dev/null
fi
mkdir "$work/out"
run=("$reel" generate --model "$model" --device cpu --prompt "a lighthouse in a storm" --seed 1
  --size 480p --frames "$frames" --steps 2 --no-cache --out "$work/out/clip.mp4")

now_ms() { date +%s%3N; }

# stop PHASE WORDS SECONDS: sends SIGINT so many seconds after the words are on stderr. With
# RESUME, it is that job which is run.
stop() {
  local phase=$1 words=$2 seconds=$3 command=("${run[@]}")
  [ -n "${RESUME:-}" ] && command=("$reel" generate --resume "$RESUME")
  : >"$work/err"
  "${command[@]}" >"$work/answer" 2>"$work/err" &
  local pid=$!
  while [ -n "$words" ] && ! grep -q "$words" "$work/err" && kill -0 $pid 2>/dev/null; do
    sleep 0.01
  done
  sleep "$seconds"
  local before code=0
  before=$(now_ms)
  # A background job of a script ignores SIGINT from the start, unless the program asks for it.
  kill -INT $pid 2>/dev/null || echo "  $phase was over too soon"
  wait $pid || code=$?
  local took=$(($(now_ms) - before)) left
  left=$(ls -A "$work/out" | wc -l)
  printf '%-28s %5d ms  exit %d  files left %d  %s\n' "$phase" $took $code "$left" \
    "$(grep -o 'reel generate --resume .*' "$work/err" || true)"
  [ $took -le 500 ] && [ $code -eq 130 ] && [ "$left" -eq 0 ] || failed=1
}

for try in $(seq "$tries"); do
  stop "text ($try)" "" "$((try * 2 - 1)).3"
done
stop "load of the DiT" "^text" 0.05
stop "load of the DiT, 1 s later" "^text" 1
stop "denoise, first step" "^text" 20
stop "denoise, second step" "step 1/2" 5
RESUME=$(ls "$work/state/reel/jobs" | tail -1)
[ -n "$RESUME" ] || failed=1
for try in $(seq "$tries"); do
  RESUME=$RESUME stop "decode ($try)" "step 2/2" "$((try * 3 - 2)).5"
done
exit $failed
