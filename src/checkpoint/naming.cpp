// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/naming.h"

#include <algorithm>
#include <array>

namespace reel::checkpoint {
namespace {

// What may follow the name of a module.
constexpr std::array kLeaves = {
    "weight",
    "bias",
    "weight_scale",
    "scale_weight",  // of the weight
    "input_scale",
    "scale_input",  // of what the module is applied to: not needed
    "comfy_quant",  // how the weight is quantised, as JSON
    "weight_scale_2",
    "weight_global_scale",  // NVFP4
    "weight_scale_inv",     // per block of 128 x 128
    "input_global_scale",   // NVFP4
};

bool is_number(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

// Calls use(word) for every part between dots.
template <typename Use>
void for_each_word(std::string_view name, Use use) {
  while (true) {
    const size_t dot = name.find('.');
    use(name.substr(0, dot));
    if (dot == std::string_view::npos) return;
    name.remove_prefix(dot + 1);
  }
}

struct Cut {
  std::string key;                        // "blocks.#.ffn.#"
  std::vector<std::string_view> numbers;  // "17", "0"; '#' where the pattern says so
};

Cut cut(std::string_view name) {
  Cut result;
  for_each_word(name, [&](std::string_view word) {
    const bool counts = is_number(word) || word == "#";
    if (counts) result.numbers.push_back(word);
    if (!result.key.empty()) result.key += '.';
    result.key += counts ? "#" : word;
  });
  return result;
}

// The numbers that stand for '#', or nothing when a fixed number differs.
std::optional<std::vector<std::string_view>> match(std::string_view pattern, const Cut& name) {
  const Cut wanted = cut(pattern);
  std::vector<std::string_view> found;
  for (size_t index = 0; index < name.numbers.size(); ++index) {
    if (wanted.numbers[index] == "#") {
      found.push_back(name.numbers[index]);
    } else if (wanted.numbers[index] != name.numbers[index]) {
      return std::nullopt;
    }
  }
  return found;
}

std::string fill(std::string_view pattern, const std::vector<std::string_view>& numbers) {
  std::string name;
  size_t next = 0;
  for (const char letter : pattern) {
    if (letter == '#') {
      name += numbers[next++];
    } else {
      name += letter;
    }
  }
  return name;
}

}  // namespace

Naming::Naming(Network network, const char* name, const std::vector<NamePair>& pairs)
    : network_(network), name_(name) {
  for (const NamePair& pair : pairs) {
    // Wan names two kinds of tensors without ".weight" or ".bias".
    const bool is_tensor = pair.ours.ends_with("modulation") || pair.ours.ends_with("gamma");
    add(is_tensor ? tensors_to_ours_ : to_ours_, pair.theirs, pair.ours);
    add(is_tensor ? tensors_to_theirs_ : to_theirs_, pair.ours, pair.theirs);
  }
}

void Naming::add(Rules& rules, const std::string& from, const std::string& to) {
  rules[cut(from).key].push_back({from, to});
}

std::optional<std::string> Naming::translate(const Rules& rules, std::string_view name) {
  const Cut parts = cut(name);
  const auto found = rules.find(parts.key);
  if (found == rules.end()) return std::nullopt;
  for (const Rule& rule : found->second) {
    if (const auto numbers = match(rule.from, parts)) return fill(rule.to, *numbers);
  }
  return std::nullopt;
}

std::optional<OurName> Naming::look_up(const Rules& tensors, const Rules& modules,
                                       std::string_view name) {
  if (auto tensor = translate(tensors, name)) return OurName{*std::move(tensor), {}};
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view leaf = name.substr(dot + 1);
  if (std::ranges::find(kLeaves, leaf) == kLeaves.end()) return std::nullopt;
  if (auto module = translate(modules, name.substr(0, dot))) {
    return OurName{*std::move(module), leaf};
  }
  return std::nullopt;
}

std::optional<OurName> Naming::ours(std::string_view name) const {
  return look_up(tensors_to_ours_, to_ours_, name);
}

std::optional<std::string> Naming::theirs(std::string_view name) const {
  const auto found = look_up(tensors_to_theirs_, to_theirs_, name);
  return found ? std::optional(found->full()) : std::nullopt;
}

std::span<const Naming> namings() {
  static const std::vector<Naming> all = {
      wan_dit_naming(),
      diffusers_dit_naming(),
      wan_text_encoder_naming(),
      hugging_face_text_encoder_naming(),
      llama_cpp_text_encoder_naming(),
      wan_vae_naming(),
      diffusers_vae_naming(),
      tae_naming(),
  };
  return all;
}

const Naming* find_naming(Network network, std::string_view name) {
  for (const Naming& naming : namings()) {
    if (naming.network() == network && naming.name() == name) return &naming;
  }
  return nullptr;
}

// Source: ComfyUI, comfy/model_detection.py and comfy/sd.py: the prefixes of its checkpoints.
std::span<const char* const> prefixes_of(Network network) {
  static constexpr std::array kDit = {"model.diffusion_model.", "diffusion_model.", "transformer.",
                                      "model.", ""};
  static constexpr std::array kTextEncoder = {"text_encoders.umt5xxl.transformer.",
                                              "umt5xxl.transformer.", "text_encoder.",
                                              "model_state.", ""};
  static constexpr std::array kVae = {"first_stage_model.", "vae.", "model_state.", ""};
  static constexpr std::array kTae = {""};
  switch (network) {
    case Network::kDit: return kDit;
    case Network::kTextEncoder: return kTextEncoder;
    case Network::kVae: return kVae;
    case Network::kTae: return kTae;
  }
  return {};
}

}  // namespace reel::checkpoint
