// SPDX-License-Identifier: Apache-2.0
// What decided a clip, and what it took, as the JSON that is written into it.
#pragma once

#include <reel/request.h>

#include <string>
#include <vector>

#include "pipeline/request_check.h"

namespace reel::pipeline {

struct WeightDigests {
  std::string text_encoder, dit, vae;
};

struct LoraRecord {
  std::string name;    // the last part of its path
  std::string digest;  // XXH3-128 of the file
  float strength = 1;
};

struct Recipe {
  std::string version;  // of Reel
  std::string prompt, negative_prompt;
  SamplingOptions sampling;       // complete: no field is left to a default
  std::string model_name;         // the last part of its path, or "demo"
  std::string layout;             // of the DiT's file
  std::string verdict;            // "distilled" or "base"
  WeightDigests weights;          // of the stored ones, before LoRAs are added
  std::string decoder;            // "VAE", "light VAE", "TAE"; empty in recipes of old versions
  std::string vae_tiling{"off"};  // or "blended"
  std::vector<LoraRecord> loras;  // in the order in which they are added
  std::string precision;          // "f32" or "bf16"
  std::string device;             // "cpu"
  std::string kernels;
  int fps = 16;
  std::string frames_digest;  // XXH3-128 of the raw RGB frames
  std::string measured;       // JSON: what making it took. Decides nothing; empty where unknown
};

std::string to_json(const Recipe& recipe);
// Throws kBadFile when the text is not a recipe.
Recipe recipe_from_json(const std::string& text);

// The sampling options that give `settings` again.
SamplingOptions complete_sampling(const RunSettings& settings);

}  // namespace reel::pipeline
