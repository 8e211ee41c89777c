#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reel's own: INT8 weights, 4 steps, no guidance.
# Set model_path here or in the environment; flags of reel infer may follow the script's name.
set -eu

lightx2v_path=${lightx2v_path:-$(cd "$(dirname "$0")/../.." && pwd)}  # configs and save_results
model_path=${model_path:?set model_path to the folder of the checkpoint}
: "${CUDA_VISIBLE_DEVICES=0}"
export CUDA_VISIBLE_DEVICES

mkdir -p "$lightx2v_path/save_results"
exec "${REEL:-reel}" infer \
  --model_cls wan2.1_distill \
  --task t2v \
  --model_path "$model_path" \
  --config_json "$lightx2v_path/configs/distill/wan21/wan_t2v_distill_int8_4step_cfg.json" \
  --prompt "A red ball bounces on a meadow, seen from low over the grass." \
  --save_result_path "$lightx2v_path/save_results/wan_t2v_distill_int8_4step.mp4" \
  --force "$@"
