// SPDX-License-Identifier: Apache-2.0
// What a file or folder is, and what is missing; reads headers only.
#pragma once

#include <reel/request.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reel {

// Tensors of one kind and dtype within a network.
struct TensorGroupInfo {
  std::string group;  // "attention matrices", "norms and biases", ...
  std::string dtype;  // "f8_e4m3", "bf16", "q4_k", ...
  int64_t tensors = 0;
  int64_t parameters = 0;
  uint64_t size_bytes = 0;  // with scales
};

struct NetworkInfo {
  std::string network;  // "DiT", "text encoder", "VAE", "light VAE", "TAE"
  std::string layout, precision, path;
  std::vector<std::string> evidence;
  std::vector<TensorGroupInfo> groups;
  int64_t tensors = 0, parameters = 0, files = 0, blocks = 0;
  uint64_t size_bytes = 0;
  std::string dimensions;      // "dim 5120, ffn 13824, 40 heads, 40 blocks", empty when incomplete
  int64_t unread_tensors = 0;  // left alone on purpose
  std::vector<std::string> problems;  // a missing block, a wrong shape
};

// A file that changes a DiT.
struct LoraInfo {
  std::vector<std::string> key_styles;  // ".lora_up.weight and .lora_down.weight"
  std::vector<std::string> namings;     // whose module names: "Wan", "diffusers", "kohya"
  std::string dtype;                    // of its numbers; "f32 and bf16" where they differ
  int64_t matrices = 0;                 // changed by a pair of factors
  int64_t deltas = 0;                   // changed by numbers of their own: norms, biases, ...
  int64_t blocks = 0;                   // of the DiT that it changes something in
  int64_t least_rank = 0, most_rank = 0;
  float least_factor = 1, most_factor = 1;  // alpha / rank
  uint64_t size_bytes = 0;                  // of the file
  std::string distils;                      // why it is taken for a distillation, or empty
  std::vector<std::string> unknown;         // tensors that belong to nothing in a Wan DiT
};

struct Inspection {
  std::string path;
  std::optional<LoraInfo> lora;  // what is at the path; the fields below are then empty
  std::vector<NetworkInfo> networks;
  std::string tokenizer;  // where it is, or empty
  bool distilled = true;
  std::string verdict_evidence;
  std::vector<std::string> notes;
  std::vector<std::string> missing;  // with every place that was looked at
  bool is_complete = false;          // generate would find all it needs
};

// Throws kNotFound when there is nothing at the path, kBadFile, kUnsupported.
Inspection inspect(const ModelOptions& options);

}  // namespace reel
