// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/refusal.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/lower_case.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

using formats::quoted;
using formats::TensorEntry;

std::optional<std::string> wrong_channels(const Candidate& candidate) {
  const TensorEntry* patch = find_tensor(candidate, "patch_embedding.weight");
  if (patch == nullptr) return std::nullopt;
  if (patch->shape.axes() != 5) {
    return str_cat(quoted(candidate.path), " stores ", formats::quoted_name(patch->name), " as ",
                   patch->shape, ", as some GGUF converters do; [dim, 16, 1, 2, 2] is needed.");
  }
  if (patch->shape[1] == 16) return std::nullopt;
  const int64_t channels = patch->shape[1];
  const std::string what = channels == 36   ? "an image-to-video model of Wan"
                           : channels == 48 ? "Wan2.2-TI2V-5B"
                                            : "no text-to-video model of Wan 2.1";
  return str_cat(quoted(candidate.path), " is ", what, ": it takes ", channels,
                 " channels, 16 are needed.");
}

// The experts of Wan2.2-A14B have the tensors of Wan2.1-T2V-14B: only words tell them apart.
std::optional<std::string> expert_of_wan22(const Candidate& candidate) {
  static constexpr const char* kWords[] = {"high_noise", "low_noise", "high-noise", "low-noise",
                                           "highnoise",  "lownoise",  "wan2.2",     "wan2_2",
                                           "wan22",      "wan-2.2"};
  std::vector<std::string> texts{candidate.path.filename().string(),
                                 candidate.path.parent_path().filename().string()};
  for (const WeightFilePtr& file : candidate.files) {
    texts.push_back(file->path.filename().string());
    for (const auto& [key, value] : file->tensors->metadata()) {
      if (value.size() < 512) texts.push_back(value);
    }
  }
  for (const std::string& text : texts) {
    for (const char* word : kWords) {
      if (lower_case(text).find(word) == std::string::npos) continue;
      return str_cat(quoted(candidate.path), " is an expert of Wan2.2-A14B, as ",
                     formats::quoted_name(text),
                     " says (rename it if that is wrong); it works only together with the "
                     "other expert, and Wan2.1 is needed.");
    }
  }
  return std::nullopt;
}

// Diffusers keeps the second expert beside the first.
std::optional<std::string> has_second_transformer(const Candidate& candidate) {
  const auto root = candidate.files[0]->path.parent_path().parent_path();
  std::error_code ignored;
  const auto has = [&](const char* name) {
    return candidate.files[0]->path.parent_path() == root / name ||
           std::filesystem::is_directory(root / name, ignored);
  };
  const std::string folder = candidate.files[0]->path.parent_path().filename().string();
  if (!folder.starts_with("transformer") || !has("transformer") || !has("transformer_2")) {
    return std::nullopt;
  }
  return str_cat(quoted(candidate.path), " is an expert of Wan2.2-A14B: ", quoted(root),
                 " holds \"transformer\" and \"transformer_2\"; Wan2.1 is needed.");
}

std::optional<std::string> refused_dit(const Candidate& candidate) {
  for (const WeightFilePtr& file : candidate.files) {
    if (file->stranger != nullptr && file->stranger->is_wan) {
      return str_cat(quoted(candidate.path), " is ", file->stranger->what, " (it has \"",
                     file->stranger->mark, "\"); a text-to-video model is needed.");
    }
  }
  if (auto wrong = wrong_channels(candidate)) return wrong;
  if (auto expert = expert_of_wan22(candidate)) return expert;
  return has_second_transformer(candidate);
}

// Every block of UMT5 has a bias table of its own; T5 has one for all.
std::optional<std::string> refused_text_encoder(const Candidate& candidate) {
  const bool is_t5 = find_tensor(candidate, "blocks.1.attn.q.weight") != nullptr &&
                     find_tensor(candidate, "blocks.0.pos_embedding.embedding.weight") != nullptr &&
                     find_tensor(candidate, "blocks.1.pos_embedding.embedding.weight") == nullptr;
  if (!is_t5) return std::nullopt;
  return str_cat(quoted(candidate.path),
                 " is a T5 encoder (one position table for all blocks), as Flux, Stable Diffusion "
                 "3 and LTX-Video use it; UMT5-XXL is needed.");
}

std::optional<std::string> refused_vae(const Candidate& candidate) {
  const TensorEntry* conv = find_tensor(candidate, "conv2.weight");
  if (conv == nullptr || conv->shape.axes() == 0 || conv->shape[0] == 16) return std::nullopt;
  return str_cat(quoted(candidate.path), " is ",
                 conv->shape[0] == 48 ? "the VAE of Wan2.2-TI2V-5B" : "no VAE of Wan 2.1",
                 ": its latents have ", conv->shape[0], " channels, 16 are needed.");
}

// TAEs of other models have the tensors and the shapes of Wan 2.1's: only names tell them apart.
const char* other_model_of_tae(const std::string& name) {
  static constexpr std::pair<const char*, const char*> kWords[] = {{"taehv", "HunyuanVideo"},
                                                                   {"taecvx", "CogVideoX"},
                                                                   {"taeos", "Open-Sora"},
                                                                   {"taehy", "HunyuanVideo"},
                                                                   {"taew2_2", "Wan2.2-TI2V-5B"}};
  for (const auto& [word, model] : kWords) {
    if (name.find(word) != std::string::npos) return model;
  }
  return nullptr;
}

std::optional<std::string> refused_tae(const Candidate& candidate) {
  const TensorEntry* first = find_tensor(candidate, "decoder.1.weight");
  if (first != nullptr && first->shape.axes() == 4 && first->shape[1] != 16) {
    return str_cat(quoted(candidate.path), " is ",
                   first->shape[1] == 48 ? "the TAE of Wan2.2-TI2V-5B" : "no TAE of Wan 2.1",
                   ": its latents have ", first->shape[1], " channels, 16 are needed.");
  }
  const std::string name = lower_case(candidate.path.filename().string());
  const char* const model = other_model_of_tae(name);
  if (model == nullptr) return std::nullopt;
  return str_cat(quoted(candidate.path), " is the TAE of ", model,
                 ", as its name says (rename it if that is wrong); one of Wan 2.1 is needed.");
}

}  // namespace

std::optional<std::string> refusal_of(const Candidate& candidate) {
  switch (candidate.network) {
    case Network::kDit: return refused_dit(candidate);
    case Network::kTextEncoder: return refused_text_encoder(candidate);
    case Network::kVae: return refused_vae(candidate);
    case Network::kTae: return refused_tae(candidate);
  }
  return std::nullopt;
}

const char* runs_instead(Network network) {
  switch (network) {
    case Network::kDit:
      return "Wan2.1-T2V-14B and Wan2.1-T2V-1.3B run, best as 4-step distilled checkpoints such as "
             "lightx2v/Wan2.1-T2V-14B-StepDistill-CfgDistill-Lightx2v.";
    case Network::kTextEncoder:
      return "Use UMT5-XXL: models_t5_umt5-xxl-enc-bf16.pth or umt5_xxl_fp8_e4m3fn_scaled"
             ".safetensors.";
    case Network::kVae:
      return "Use Wan2.1_VAE.pth or wan_2.1_vae.safetensors, or a smaller decoder such as "
             "lightvaew2_1.pth or taew2_1.pth.";
    case Network::kTae: return "Use taew2_1.pth or lighttaew2_1.pth, or their .safetensors.";
  }
  return "";
}

}  // namespace reel::checkpoint
