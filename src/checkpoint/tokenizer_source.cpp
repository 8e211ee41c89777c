// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "base/error.h"
#include "checkpoint/evidence.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

namespace fs = std::filesystem;
using formats::quoted;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::optional<TokenizerSource> tokenizer_in(const fs::path& folder) {
  static constexpr std::array kFolders = {"", "google/umt5-xxl", "tokenizer", "umt5-xxl"};
  for (const char* below : kFolders) {
    const fs::path here = *below == '\0' ? folder : folder / below;
    if (is_file(here / "spiece.model")) {
      return TokenizerSource{TokenizerFormat::kSpieceModel, here / "spiece.model", {}};
    }
    if (is_file(here / "tokenizer.json")) {
      return TokenizerSource{TokenizerFormat::kTokenizerJson, here / "tokenizer.json", {}};
    }
  }
  return std::nullopt;
}

TokenizerSource given_tokenizer(const fs::path& given) {
  std::error_code ignored;
  if (fs::is_directory(given, ignored)) {
    const auto found = tokenizer_in(given);
    REEL_REQUIRE(
        found.has_value(), kNotFound,
        str_cat(quoted(given), " holds no tokenizer; spiece.model or tokenizer.json is needed."));
    return *found;
  }
  REEL_REQUIRE(is_file(given), kNotFound,
               str_cat("The tokenizer ", quoted(given),
                       " does not exist; spiece.model or "
                       "tokenizer.json is needed."));
  const bool is_json = given.extension() == ".json";
  return {is_json ? TokenizerFormat::kTokenizerJson : TokenizerFormat::kSpieceModel, given, {}};
}

// ComfyUI's text encoders carry the sentencepiece model as a tensor of bytes.
std::optional<TokenizerSource> embedded_proto(const Component& text_encoder) {
  if (text_encoder.tensors.empty()) return std::nullopt;
  const auto& file = *text_encoder.tensors.begin()->second.file;
  for (const std::string& name : text_encoder.unread) {
    const formats::TensorEntry* entry = file.find(name);
    if (name.ends_with("spiece_model") && entry != nullptr && entry->dtype == DType::kU8) {
      return TokenizerSource{TokenizerFormat::kEmbeddedProto, file.path(), name};
    }
  }
  return std::nullopt;
}

std::optional<TokenizerSource> gguf_tokenizer(const Component& text_encoder) {
  if (text_encoder.tensors.empty()) return std::nullopt;
  const auto& file = *text_encoder.tensors.begin()->second.file;
  if (!file.metadata().contains("tokenizer.ggml.model")) return std::nullopt;
  return TokenizerSource{TokenizerFormat::kGguf, file.path(), {}};
}

}  // namespace

std::optional<TokenizerSource> find_tokenizer(const fs::path& given,
                                              const std::optional<Component>& text_encoder,
                                              const std::vector<fs::path>& places) {
  if (!given.empty()) return given_tokenizer(given);
  if (text_encoder) {
    if (auto found = embedded_proto(*text_encoder)) return found;
    if (auto found = gguf_tokenizer(*text_encoder)) return found;
  }
  for (const fs::path& place : places) {
    if (auto found = tokenizer_in(place)) return found;
  }
  return std::nullopt;
}

}  // namespace reel::checkpoint
