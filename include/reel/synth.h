// SPDX-License-Identifier: Apache-2.0
// Writes a complete checkpoint in any published layout: a random one of any size, or one that is
// there already.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace reel {

struct SynthRequest {
  // "distill_fp8", "distill_int8", "bf16", "official", "comfy_fp8", "diffusers", or "gguf:<type>"
  // with a type such as "q4_k_m", "q8_0" or "bf16". "lora:<style>" writes one file that fits a DiT
  // of these dimensions, and no model: "lora:lightx2v", "lora:peft", "lora:kohya",
  // "lora:diffusers", ... "decoder:<file>" writes one that decodes in the place of a VAE:
  // "decoder:taew2_1.pth", "decoder:lighttaew2_1.pth", "decoder:lightvaew2_1.pth", or .safetensors.
  std::string layout = "distill_fp8";
  std::string preset = "tiny";  // or "wan2.1-t2v-1.3b", "wan2.1-t2v-14b"
  std::string out;              // a folder that does not exist yet, or an empty one
  uint64_t seed = 0;

  // The preset's where 0.
  int64_t dim = 0, ffn_dim = 0, layers = 0;                           // of the DiT
  int64_t text_dim = 0, t5_ffn_dim = 0, t5_layers = 0, t5_vocab = 0;  // of the text encoder
  int64_t vae_base = 0;                                               // 96 in the published VAE
  int64_t tae_base = 0;                                               // 64 in the published TAEs
  int64_t lora_rank = 0;                                              // of a LoRA's pairs; 0: 4
  // What config.json recommends.
  int64_t width_px = 0, height_px = 0, frames = 0;

  // A model, as ModelOptions::model names one, whose weights are written instead of random ones,
  // rounded or quantised from what they mean in f32. It brings its own dimensions, tokenizer and
  // recommended size; the preset is left alone. The encoder of its VAE is left out: text-to-video
  // does not read it.
  std::string weights_from;

  bool with_vace = false;  // adds the tensors of a VACE model, which text-to-video leaves alone
  bool sparse = false;     // true headers over files whose numbers are zeros and take no space
};

struct SynthFile {
  std::string name;  // within the folder
  uint64_t size_bytes = 0;
};

struct SynthReport {
  std::vector<SynthFile> files;  // in the order they were written
  uint64_t total_bytes = 0;
  double seconds = 0;
};

struct SynthProgress {
  std::string file;
  uint64_t done_bytes = 0, total_bytes = 0;  // of all tensors
};

// Called some times a second; the work stops when it answers false.
using SynthWatcher = std::function<bool(const SynthProgress&)>;

// Writes the DiT, the text encoder, the VAE, the tokenizer and the configuration.
//
// Random numbers depend on nothing but the seed, the network, the tensor's name in Wan's own naming
// and the position in it: every layout holds the same network, rounded or quantised its own way,
// and the same bytes come out on every machine. Activations stay near 1 through the whole network.
//
// A checkpoint made from another one says in the metadata of its DiT whether the model is
// distilled.
//
// Throws kInvalidArgument for an unknown layout or preset, dimensions that no Wan model can have
// or that stand beside weights_from, or a folder that is not empty; kUnsupported for with_vace in
// a layout that has no names for it; what opening weights_from throws; kIo when the disk lacks
// space, which is looked at first; kCancelled. Nothing is left behind but the folders above `out`.
SynthReport synthesize(const SynthRequest& request, const SynthWatcher& watcher = {});

}  // namespace reel
