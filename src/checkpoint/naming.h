// SPDX-License-Identifier: Apache-2.0
// How a publisher names the tensors of a network, as data, and the way to our names and back.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace reel::checkpoint {

// A tensor ("head.modulation") or a module ("blocks.#.self_attn.q", which stands for its .weight,
// its .bias and their scales). '#' is any number.
struct NamePair {
  std::string ours;
  std::string theirs;
};

// A name cut into its module and the last word; `leaf` is empty where the pair named a tensor.
struct OurName {
  std::string module;
  std::string_view leaf;

  std::string full() const { return leaf.empty() ? module : module + '.' + std::string(leaf); }
};

class Naming {
 public:
  // Of several pairs with the same `ours`, the first gives theirs().
  Naming(Network network, const char* name, const std::vector<NamePair>& pairs);

  Network network() const { return network_; }
  const char* name() const { return name_; }  // "Wan", "diffusers", "Hugging Face", "llama.cpp"

  // Nothing when the network has no such tensor. `leaf` points into `name`.
  std::optional<OurName> ours(std::string_view name) const;
  // Nothing when this publisher has no name for it.
  std::optional<std::string> theirs(std::string_view name) const;

 private:
  struct Rule {
    std::string from, to;
  };
  // By the pattern with every number replaced by '#'; several where fixed numbers differ.
  using Rules = std::unordered_map<std::string, std::vector<Rule>>;

  static void add(Rules& rules, const std::string& from, const std::string& to);
  static std::optional<std::string> translate(const Rules& rules, std::string_view name);
  static std::optional<OurName> look_up(const Rules& tensors, const Rules& modules,
                                        std::string_view name);

  Network network_;
  const char* name_;
  Rules to_ours_, to_theirs_;                  // modules
  Rules tensors_to_ours_, tensors_to_theirs_;  // tensors that are no module's .weight or .bias
};

// The registry: every naming that is understood. Adding one: a file layout_<name>.cpp and a line.
std::span<const Naming> namings();
// Null when nobody of that name publishes this network.
const Naming* find_naming(Network network, std::string_view name);

// What stands before the names where a file holds more than one network, or was made from one.
// Longest first; the last one is empty.
std::span<const char* const> prefixes_of(Network network);

// layout_wan.cpp, layout_diffusers.cpp, layout_hugging_face.cpp, layout_gguf.cpp
Naming wan_dit_naming();
Naming wan_text_encoder_naming();
Naming wan_vae_naming();
Naming tae_naming();
Naming diffusers_dit_naming();
Naming diffusers_vae_naming();
Naming hugging_face_text_encoder_naming();
Naming llama_cpp_text_encoder_naming();

}  // namespace reel::checkpoint
