// SPDX-License-Identifier: Apache-2.0
// How LoRA files name what they hold: the words behind a module's name, and the module itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reel::checkpoint {

enum class LoraPart {
  kUp,               // [out, rank], or B
  kDown,             // [rank, in], or A
  kAlpha,            // the pair counts alpha / rank times
  kWeightDelta,      // <module>.diff: added to the weight as it is
  kBiasDelta,        // <module>.diff_b
  kModulationDelta,  // <module>.diff_m, where the module is a block or the head
};

struct LoraKey {
  LoraPart part = LoraPart::kUp;
  int style = -1;           // of a pair: which of the endings; -1 for the others
  std::string_view module;  // as the file has it, prefix included; points into the key
};

// Nothing for a key that ends in no way a LoRA's does.
std::optional<LoraKey> parse_lora_key(std::string_view key);
// ".lora_up.weight and .lora_down.weight"
std::string lora_style_name(int style);
// How many styles there are: they are numbered from 0.
int lora_styles();
// The ending of a pair's key, dot or underscore included: ".lora_up.weight".
const char* lora_ending(int style, LoraPart part);

// The tensor that a module's part changes.
struct LoraTarget {
  std::string name;         // ours: "blocks.0.ffn.2.weight"
  const char* naming = "";  // whose names the file uses: "Wan", "diffusers", "kohya"
};

// Nothing for a module that Wan's text-to-video DiT does not have.
std::optional<LoraTarget> find_lora_target(std::string_view module, LoraPart part);

}  // namespace reel::checkpoint
