// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tokenizer_source.h"

#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "formats/gguf.h"
#include "formats/tensor_file.h"
#include "tokenizer/gguf_vocabulary.h"
#include "tokenizer/model_proto.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_json.h"

namespace reel::pipeline {
namespace {

using checkpoint::TokenizerFormat;
using checkpoint::TokenizerSource;
using tokenizer::UnigramModel;

constexpr uint64_t kLargestFile = uint64_t{256} << 20;  // UMT5's tokenizer.json has 17 MB

UnigramModel read_file(const std::filesystem::path& path) {
  UnigramModel model = tokenizer::read_tokenizer(read_text_file(path, kLargestFile));
  const std::filesystem::path config = path.parent_path() / "tokenizer_config.json";
  if (path.extension() == ".json" && std::filesystem::exists(config)) {
    tokenizer::apply_tokenizer_config(model, read_text_file(config, kLargestFile));
  }
  return model;
}

// ComfyUI's text encoders carry the ModelProto as a tensor of bytes.
std::string read_embedded(const TokenizerSource& source) {
  const auto file = formats::open_tensor_file(source.path);
  const formats::TensorEntry* entry = file->find(source.tensor);
  REEL_REQUIRE(entry != nullptr && entry->size_bytes <= kLargestFile, kBadFile,
               str_cat(source.path.string(), " has no usable tensor \"", source.tensor, "\"."));
  std::string bytes(entry->size_bytes, '\0');
  file->read(*entry, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

template <typename To, typename From>
std::vector<To> converted(const std::vector<From>* values) {
  return values == nullptr ? std::vector<To>{} : std::vector<To>(values->begin(), values->end());
}

// llama.cpp's keys. Source: ggml docs/gguf.md, "Tokenizer".
UnigramModel read_gguf(const std::filesystem::path& path, int sentinel_count) {
  const auto file = formats::open_gguf(InputFile(path));
  const auto text = [&](const char* key) -> std::string {
    const auto found = file->metadata().find(key);
    return found == file->metadata().end() ? "" : found->second;
  };
  const auto number = [&](const char* key, int32_t fallback) {
    const std::string value = text(key);
    return value.empty() ? fallback : static_cast<int32_t>(std::strtol(value.c_str(), nullptr, 10));
  };
  REEL_REQUIRE(
      text("tokenizer.ggml.model") == "t5", kBadFile,
      str_cat("its tokenizer is \"", text("tokenizer.ggml.model"), "\"; \"t5\" is needed."));
  const auto* charsmap = file->bytes("tokenizer.ggml.precompiled_charsmap");
  return tokenizer::from_gguf(
      {.tokens = converted<std::string>(file->strings("tokenizer.ggml.tokens")),
       .scores = converted<float>(file->floats("tokenizer.ggml.scores")),
       .token_type = converted<int32_t>(file->integers("tokenizer.ggml.token_type")),
       .unknown_token_id = number("tokenizer.ggml.unknown_token_id", -1),
       .eos_token_id = number("tokenizer.ggml.eos_token_id", 1),
       .padding_token_id = number("tokenizer.ggml.padding_token_id", 0),
       .add_space_prefix = text("tokenizer.ggml.add_space_prefix") != "0" &&
                           text("tokenizer.ggml.add_space_prefix") != "false",
       .precompiled_charsmap =
           charsmap == nullptr ? std::string() : std::string(charsmap->begin(), charsmap->end())},
      sentinel_count);
}

UnigramModel read_model(const TokenizerSource& source) {
  switch (source.format) {
    case TokenizerFormat::kSpieceModel:
    case TokenizerFormat::kTokenizerJson: return read_file(source.path);
    case TokenizerFormat::kEmbeddedProto: return tokenizer::read_model_proto(read_embedded(source));
    case TokenizerFormat::kGguf: return read_gguf(source.path, tokenizer::kUmt5Sentinels);
  }
  fail(ErrorCode::kInternal, "unknown tokenizer format");
}

std::string read_proto(const TokenizerSource& source) {
  switch (source.format) {
    case TokenizerFormat::kSpieceModel: return read_text_file(source.path, kLargestFile);
    case TokenizerFormat::kTokenizerJson:
      return tokenizer::write_model_proto(read_file(source.path));
    case TokenizerFormat::kEmbeddedProto: return read_embedded(source);
    case TokenizerFormat::kGguf: return tokenizer::write_model_proto(read_gguf(source.path, 0));
  }
  fail(ErrorCode::kInternal, "unknown tokenizer format");
}

// What a reader throws does not name the file.
template <typename Read>
auto named(const TokenizerSource& source, Read read) {
  try {
    return read(source);
  } catch (const Error& error) {
    constexpr std::string_view kFormat = "tokenizer.json: ";  // said by the path already
    std::string_view what = error.what();
    if (what.starts_with(kFormat)) what.remove_prefix(kFormat.size());
    fail(error.code(), str_cat('"', source.path.string(), "\" is no tokenizer: ", what),
         error.hint());
  }
}

}  // namespace

UnigramModel read_tokenizer_source(const TokenizerSource& source) {
  return named(source, read_model);
}

std::string read_tokenizer_proto(const TokenizerSource& source) {
  return named(source, read_proto);
}

}  // namespace reel::pipeline
