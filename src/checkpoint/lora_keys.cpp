// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/lora_keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "checkpoint/naming.h"

namespace reel::checkpoint {
namespace {

// Source: LightX2V, lightx2v/utils/lora_loader.py: the pairs of endings that it accepts.
constexpr struct {
  const char *up, *down;
} kFactorNames[] = {
    {".lora_up.weight", ".lora_down.weight"},  // kohya, LightX2V, ComfyUI
    {"_lora.up.weight", "_lora.down.weight"},  // diffusers, attention processors
    {".lora_B.weight", ".lora_A.weight"},      // PEFT, diffusers
    {".lora.up.weight", ".lora.down.weight"},  // diffusers, before PEFT
    {".lora_B", ".lora_A"},                    // bare parameters
    {".lora_linear_layer.up.weight", ".lora_linear_layer.down.weight"},
    {".lora_B.default.weight", ".lora_A.default.weight"},  // PEFT, with the adapter's name
};

constexpr struct {
  const char* ending;
  LoraPart part;
} kSingles[] = {
    {".alpha", LoraPart::kAlpha},
    {".diff", LoraPart::kWeightDelta},
    {".diff_b", LoraPart::kBiasDelta},
    {".diff_m", LoraPart::kModulationDelta},
};

constexpr std::string_view kPeft = "base_model.model.";
constexpr std::string_view kKohya = "lora_unet_";

// Kohya's scripts write '_' for the dots between words too. Wan's words that have one of their own:
constexpr const char* kWordsWithUnderscore[] = {
    "self_attn",      "cross_attn",     "norm_q",          "norm_k",
    "text_embedding", "time_embedding", "patch_embedding", "time_projection",
};

std::string with_dots(std::string_view module) {
  std::string name(module);
  std::ranges::replace(name, '_', '.');
  for (const std::string word : kWordsWithUnderscore) {
    std::string dotted = word;
    std::ranges::replace(dotted, '_', '.');
    const size_t at = name.find(dotted);
    if (at != std::string::npos) name.replace(at, word.size(), word);
  }
  return name;
}

// Nothing when a publisher has no such tensor, or it is no weight, bias or modulation.
std::optional<std::string> ours(const Naming& naming, const std::string& module, LoraPart part) {
  const char* const leaf = part == LoraPart::kBiasDelta         ? ".bias"
                           : part == LoraPart::kModulationDelta ? ".modulation"
                                                                : ".weight";
  const std::string name = module + leaf;
  if (const auto found = naming.ours(name)) return found->full();
  // A tensor that is no module's weight may be named itself.
  const auto found = part == LoraPart::kWeightDelta ? naming.ours(module) : std::nullopt;
  if (found && found->leaf.empty()) return found->full();
  return std::nullopt;
}

std::optional<LoraTarget> target_of(const std::string& module, LoraPart part) {
  for (const Naming& naming : namings()) {
    if (naming.network() != Network::kDit) continue;
    if (auto name = ours(naming, module, part)) return LoraTarget{*std::move(name), naming.name()};
  }
  return std::nullopt;
}

}  // namespace

int lora_styles() { return static_cast<int>(std::size(kFactorNames)); }

const char* lora_ending(int style, LoraPart part) {
  const auto& pair = kFactorNames[style];
  return part == LoraPart::kUp ? pair.up : pair.down;
}

std::string lora_style_name(int style) {
  return std::string(kFactorNames[style].up) + " and " + kFactorNames[style].down;
}

std::optional<LoraKey> parse_lora_key(std::string_view key) {
  const auto module = [&](std::string_view ending) {
    return key.substr(0, key.size() - ending.size());
  };
  for (int style = 0; style < lora_styles(); ++style) {
    for (const LoraPart part : {LoraPart::kUp, LoraPart::kDown}) {
      const std::string_view ending = lora_ending(style, part);
      if (key.ends_with(ending)) return LoraKey{part, style, module(ending)};
    }
  }
  for (const auto& single : kSingles) {
    if (key.ends_with(single.ending)) return LoraKey{single.part, -1, module(single.ending)};
  }
  return std::nullopt;
}

std::optional<LoraTarget> find_lora_target(std::string_view module, LoraPart part) {
  if (module.starts_with(kPeft)) module.remove_prefix(kPeft.size());
  if (module.starts_with(kKohya)) {
    auto target = target_of(with_dots(module.substr(kKohya.size())), part);
    if (target) target->naming = "kohya";
    return target;
  }
  for (const std::string_view prefix : prefixes_of(Network::kDit)) {
    if (!module.starts_with(prefix)) continue;
    if (auto target = target_of(std::string(module.substr(prefix.size())), part)) return target;
  }
  return std::nullopt;
}

}  // namespace reel::checkpoint
