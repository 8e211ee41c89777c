// SPDX-License-Identifier: Apache-2.0
// What a clip is made from, and what came out.
#pragma once

#include <reel/report.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reel {

// A LoRA file, and how much of it is added.
struct LoraChoice {
  std::string path;  // or a name in the folders of REEL_MODELS
  float strength = 1;
};

// Where the model is and how it is computed.
struct ModelOptions {
  // A repository root, a distill_* folder, one file, or a hub snapshot. Empty: the demo model.
  std::string model;
  // Empty: found from `model`. `vae` may also be a light VAE or a TAE, which decode faster and less
  // exactly.
  std::string text_encoder, vae, tokenizer;
  // A TAE that draws previews; empty: none, they are drawn from the latents' colours.
  std::string preview_decoder;
  // What a TAE decodes: "diffusion", latents as the DiT makes them (taew2_1); "vae", what the VAE
  // takes (lighttaew2_1); "auto" decides by its name.
  std::string tae_latents = "auto";
  // "blended": the VAE decodes tiles of 256 x 256 pixels by themselves and blends them, as LightX2V
  // does under use_tiling_vae. Other frames, slower, in less GPU memory. "off", or empty: frames
  // are what the VAE makes of the whole picture. A replay has what its clip had where this is
  // empty.
  std::string vae_tiling;
  std::string variant;             // "fp8", "int8", "bf16", or empty: chosen
  std::string checkpoint_kind;     // "distilled", "base", or empty: from evidence
  std::vector<LoraChoice> loras;   // added to the DiT in this order
  std::string device = "auto";     // "auto", "cpu", "cuda:0", "cuda:0,cuda:1"
  std::string precision = "auto";  // "auto", "f32", "bf16", "int8", "fp8"; "int8-fp8pv" on a GPU
  int threads = 0;                 // 0: all cores of this process
  std::string trace;               // a CSV file for a row per op; empty: none
  // Keeps text states in the user's cache folder: a prompt that was encoded before needs no text
  // encoder. Not with a trace.
  bool text_cache = false;
  uint64_t vram_bytes = 0;  // behave as on a GPU of this size; 0: all that is free
  uint64_t ram_bytes = 0;   // for weights kept in memory; 0: half of what is free
};

// Left empty, a field gets the model's default; it never falls back to undistilled settings.
struct SamplingOptions {
  std::optional<uint64_t> seed;  // random when left out; the result tells it
  std::optional<int> width_px, height_px, frames;
  std::optional<int> steps;
  std::vector<int> timesteps;  // [1000, 750, 500, 250]; distilled models only
  std::optional<float> shift, guidance;
  std::string sampler;             // "lcm", "euler", "unipc"
  std::string rng = "torch-cuda";  // or "torch-cpu"
  // The GPU whose noise torch-cuda equals; left out: the one that is used, else 46 of 1536.
  std::optional<int> rng_sm_count, rng_threads_per_sm;
};

struct VideoRequest {
  std::string prompt, negative_prompt;
  SamplingOptions sampling;
  std::string out;           // .mp4, .y4m, or a folder for PNG frames; {seed} is replaced
  bool frames_only = false;  // no file is written: frames go to Progress::on_frame alone
  bool overwrite = false;
  int fps = 16;
  int quality = 18;  // CRF: 0 lossless, 51 worst
  bool write_recipe = true;
  // A folder for step-1.png and on, a preview after every step; {seed} is replaced. Empty: none.
  std::string preview_dir;
};

struct VideoResult {
  std::string path;
  uint64_t seed = 0;
  int width_px = 0, height_px = 0, frames = 0;
  std::string frames_digest;  // of the raw RGB frames
  std::string recipe_json;
  std::string job_id;
  RunReport report;
};

}  // namespace reel
