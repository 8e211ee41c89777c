// SPDX-License-Identifier: Apache-2.0
// The three stages of a clip on their own, joined by safetensors files. Each tells what it took.
#pragma once

#include <reel/progress.h>
#include <reel/report.h>
#include <reel/request.h>

#include <string>
#include <vector>

namespace reel {

// Prompt (or token ids) to text states.
//
// The file has text_states [512, text_dim] f32 (rows after the last token are zeros), ids and
// mask [512] i64, and under guidance negative_text_states. With a prompt, the recipe begins in its
// metadata; denoise and decode go on with it, and write it into an MP4.
struct EncodeTextRequest {
  std::string prompt;
  std::string negative_prompt;
  bool with_negative = false;  // an empty one stands for Wan's own
  std::vector<int> ids;        // instead of a prompt
  std::string out;
};
RunReport encode_text(const ModelOptions& model, const EncodeTextRequest& request,
                      Progress& progress);

// Text states to latents.
//
// The file has latents and noise [16, T', h, w] f32, step_noise [steps - 1, 16, T', h, w] f32 for
// lcm, timesteps and sigmas [steps] f32, and velocity [steps, 16, T', h, w] f32 when traced. It has
// no recipe when `noise` is given, since the seed does not lead to it.
struct DenoiseRequest {
  std::string text;   // what encode_text wrote
  std::string noise;  // a file with noise (and step_noise) to use instead of the seed's
  SamplingOptions sampling;
  bool trace_velocity = false;  // not with `state`
  // A file that is written after every step, so that a run that was stopped or crashed goes on from
  // it when the same request is made again; removed at the end. Empty: none.
  std::string state;
  std::string preview_dir;  // as in VideoRequest
  std::string out;
};
RunReport denoise(const ModelOptions& model, const DenoiseRequest& request, Progress& progress);

// Latents to frames.
//
// `out` ending in .safetensors holds frames [N, H, W, 3] f32 in 0..1; otherwise a clip.
struct DecodeRequest {
  std::string latents;
  std::string out;
  bool overwrite = false;
  int fps = 16;
  int quality = 18;
  bool write_recipe = true;  // into an MP4, where the latents have it
};
RunReport decode(const ModelOptions& model, const DecodeRequest& request, Progress& progress);

}  // namespace reel
