// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tokenizer_source.h"

#include "base/error.h"
#include "base/file.h"
#include "formats/tensor_file.h"
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
UnigramModel read_embedded(const std::filesystem::path& path) {
  const auto file = formats::open_tensor_file(path);
  const formats::TensorEntry* entry = file->find("spiece_model");
  REEL_REQUIRE(entry != nullptr && entry->size_bytes <= kLargestFile, kBadFile,
               str_cat(path.string(), " has no usable tensor \"spiece_model\"."));
  std::string bytes(entry->size_bytes, '\0');
  file->read(*entry, std::as_writable_bytes(std::span(bytes)));
  return tokenizer::read_model_proto(bytes);
}

}  // namespace

UnigramModel read_tokenizer_source(const TokenizerSource& source) {
  try {
    switch (source.format) {
      case TokenizerFormat::kSpieceModel:
      case TokenizerFormat::kTokenizerJson: return read_file(source.path);
      case TokenizerFormat::kEmbeddedProto: return read_embedded(source.path);
      case TokenizerFormat::kGguf: break;
    }
  } catch (const Error& error) {
    fail(error.code(), str_cat('"', source.path.string(), "\": ", error.what()), error.hint());
  }
  fail(ErrorCode::kInternal, "unknown tokenizer format");
}

}  // namespace reel::pipeline
