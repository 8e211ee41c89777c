// SPDX-License-Identifier: Apache-2.0
// What stands beside the weights: the tokenizer, the configuration, and whether the checkpoint is
// distilled.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "checkpoint/candidates.h"
#include "checkpoint/checkpoint.h"

namespace reel::checkpoint {

// The tokenizer inside the text encoder's file (ComfyUI's proto, GGUF's metadata), which surely
// fits it, else the first tokenizer file in `places`. `given` is a file or a folder, or empty.
// Throws kNotFound when `given` holds none.
std::optional<TokenizerSource> find_tokenizer(const std::filesystem::path& given,
                                              const std::optional<Component>& text_encoder,
                                              const std::vector<std::filesystem::path>& places);

// The configuration in the DiT's own file (a slab), else config.json of the first place that has
// one for a Wan DiT; its path is answered too. Throws kBadFile when it is damaged.
struct FoundSettings {
  ModelSettings settings;
  std::filesystem::path path;  // empty when there is none
};
FoundSettings find_settings(const std::optional<Component>& dit,
                            const std::vector<std::filesystem::path>& places);

// Distilled or base, by the first evidence in this order: the option; metadata in the file; JSON
// beside it; names of files and folders; a distillation LoRA; distilled is assumed.
struct FoundVerdict {
  Verdict verdict = Verdict::kDistilled;
  std::string evidence;
};
FoundVerdict find_verdict(const OpenOptions& options, const std::optional<Candidate>& dit,
                          const std::filesystem::path& config);

// "the LoRA "x_4step.safetensors" distils it", or empty for a file whose name says nothing.
std::string why_it_distils(const std::filesystem::path& lora);

}  // namespace reel::checkpoint
