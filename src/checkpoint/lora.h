// SPDX-License-Identifier: Apache-2.0
// LoRA files: what they are, and what they add to the weights of a DiT.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace reel::checkpoint {

// One tensor that a file changes.
struct LoraChange {
  std::string target;  // our name: "blocks.0.ffn.2.weight"
  Delta delta;         // with a factor of alpha / rank, or 1
};

struct Lora {
  std::filesystem::path path;
  std::shared_ptr<const formats::TensorFile> file;
  std::vector<LoraChange> changes;   // by target
  std::vector<std::string> styles;   // of its pairs' keys: ".lora_up.weight and .lora_down.weight"
  std::vector<std::string> namings;  // whose names it uses: "Wan", "diffusers", "kohya"
  std::vector<std::string> unknown;  // keys that belong to nothing in a Wan DiT
};

// The least and the greatest rank; zeros where it has full deltas alone.
std::pair<int64_t, int64_t> ranks_of(const Lora& lora);

// Whether a file holds changes to weights and no weights.
bool is_lora(const formats::TensorFile& file);

// Reads headers and alphas.
//
// Throws as formats::open_tensor_file; kUnsupported for a file that changes a text encoder, or in a
// way that is no sum (DoRA, LoHa, LoKr), or in numbers that are no floats; kBadFile for half a
// pair, ranks that differ, an alpha that is no number, and a file without anything for a Wan DiT.
Lora open_lora(const std::filesystem::path& path);

// Adds its changes to the tensors of `dit`, `strength` times. Returns the names of those that the
// model does not have.
//
// Throws kBadFile for a shape that does not fit, naming both tensors, and when nothing fits at all.
std::vector<std::string> add_lora(Component& dit, const Lora& lora, float strength);

// "2 of the tensors ... are left out: ...", or empty where nothing is.
std::string left_out_sentence(const Lora& lora, const std::vector<std::string>& absent);

}  // namespace reel::checkpoint
