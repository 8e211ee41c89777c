// SPDX-License-Identifier: Apache-2.0
// Community GGUF files of the distilled model: DiT and text encoder in ggml's block formats.
//
// Source: city96/ComfyUI-GGUF, tools/convert.py and tools/lcpp.patch: which tensors are quantised,
// and which of them get more bits than the rest.
#include <array>
#include <cctype>
#include <map>

#include "base/error.h"
#include "base/lower_case.h"
#include "checkpoint/naming.h"
#include "formats/gguf_writer.h"
#include "pipeline/synth/plan.h"

namespace reel::synth {
namespace {

using formats::GgufValue;
using Metadata = std::map<std::string, GgufValue>;

// What a file is called after. `value` and `down` are the formats of attention's value matrices
// and of the last matrix of a feed-forward network; the first `first_count` value matrices of a
// file get `first_value`.
struct FileType {
  const char* name;
  uint32_t number;  // general.file_type
  DType matrix, value, down;
  int first_count = 0;
  DType first_value = DType::kF32;
};

constexpr FileType plain(const char* name, uint32_t number, DType dtype) {
  return {name, number, dtype, dtype, dtype};
}

constexpr std::array kFileTypes = {
    plain("f32", 0, DType::kF32),
    plain("f16", 1, DType::kF16),
    plain("bf16", 32, DType::kBF16),
    plain("q8_0", 7, DType::kQ8_0),
    FileType{"q4_0", 2, DType::kQ4_0, DType::kQ4_0, DType::kQ4_1},
    plain("q4_1", 3, DType::kQ4_1),
    FileType{"q5_0", 8, DType::kQ5_0, DType::kQ5_0, DType::kQ5_1},
    plain("q5_1", 9, DType::kQ5_1),
    FileType{"q2_k", 10, DType::kQ2_K, DType::kQ3_K, DType::kQ2_K},
    plain("q3_k_s", 11, DType::kQ3_K),
    FileType{"q3_k_m", 12, DType::kQ3_K, DType::kQ4_K, DType::kQ4_K, 2, DType::kQ5_K},
    FileType{"q3_k_l", 13, DType::kQ3_K, DType::kQ5_K, DType::kQ5_K},
    FileType{"q4_k_s", 14, DType::kQ4_K, DType::kQ4_K, DType::kQ5_K, 4, DType::kQ5_K},
    FileType{"q4_k_m", 15, DType::kQ4_K, DType::kQ6_K, DType::kQ6_K},
    plain("q5_k_s", 16, DType::kQ5_K),
    FileType{"q5_k_m", 17, DType::kQ5_K, DType::kQ6_K, DType::kQ6_K},
    plain("q6_k", 18, DType::kQ6_K),
};

// In the case of file names too; "q4_k" alone is its mixture of middle size, as in llama.cpp.
const FileType& find_type(const std::string& asked) {
  std::string name = lower_case(asked);
  if (name == "q3_k" || name == "q4_k" || name == "q5_k") name += "_m";
  std::string known;
  for (const FileType& type : kFileTypes) {
    if (name == type.name) return type;
    known += str_cat(known.empty() ? "" : ", ", type.name);
  }
  fail(ErrorCode::kInvalidArgument, str_cat("There is no GGUF type \"", asked, "\"."),
       str_cat("Known are ", known, "."));
}

// Rows that are no whole number of blocks stay in f16.
DType fitting(DType dtype, const SourceTensor& tensor) {
  return tensor.shape.width() % block_elements(dtype) == 0 ? dtype : DType::kF16;
}

// Chooses formats in the order of the file.
class FormatChooser {
 public:
  explicit FormatChooser(const FileType& type) : type_(type) {}

  DType matrix(const SourceTensor& tensor) {
    if (tensor.is_down) return fitting(type_.down, tensor);
    if (!tensor.is_value) return fitting(type_.matrix, tensor);
    const bool is_first = values_++ < type_.first_count;
    return fitting(is_first ? type_.first_value : type_.value, tensor);
  }

  // Vectors, small tensors, modulation and convolutions are f32.
  DType other(const SourceTensor& tensor) const {
    constexpr int64_t kSmallElements = 1024;
    if (tensor.shape.axes() != 2 || tensor.shape.elements() <= kSmallElements) return DType::kF32;
    return is_block_format(type_.matrix) ? DType::kBF16 : type_.matrix;
  }

 private:
  const FileType& type_;
  int values_ = 0;
};

std::string upper(std::string text) {
  for (char& letter : text) {
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  return text;
}

StartWriter gguf_writer(Metadata metadata) {
  return [metadata = std::move(metadata)](const std::filesystem::path& path,
                                          std::vector<formats::TensorSpec> tensors) {
    return formats::start_gguf(path, std::move(tensors), metadata);
  };
}

Metadata dit_metadata(const Model& model, const FileType& type) {
  Metadata metadata = {{"general.architecture", std::string("wan")},
                       {"general.quantization_version", uint32_t{2}},
                       {"general.file_type", type.number}};
  if (!model.kind.empty()) metadata["checkpoint_kind"] = model.kind;
  return metadata;
}

// llama.cpp's converter fills the vocabulary up to the rows of the embedding.
void add_tokenizer(Metadata& metadata, const tokenizer::UnigramModel& vocabulary, int64_t rows) {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (const tokenizer::Piece& piece : vocabulary.pieces) {
    tokens.push_back(piece.text);
    scores.push_back(static_cast<float>(piece.score));
    types.push_back(static_cast<int32_t>(piece.type));
  }
  for (auto id = static_cast<int64_t>(tokens.size()); id < rows; ++id) {
    tokens.push_back(str_cat("[PAD", id, "]"));
    scores.push_back(-1000.0f);
    types.push_back(static_cast<int32_t>(tokenizer::PieceType::kUnused));
  }
  metadata["tokenizer.ggml.model"] = std::string("t5");
  metadata["tokenizer.ggml.tokens"] = std::move(tokens);
  metadata["tokenizer.ggml.scores"] = std::move(scores);
  metadata["tokenizer.ggml.token_type"] = std::move(types);
  metadata["tokenizer.ggml.add_space_prefix"] = true;
  metadata["tokenizer.ggml.remove_extra_whitespaces"] = true;
  metadata["tokenizer.ggml.eos_token_id"] = static_cast<uint32_t>(vocabulary.end_id);
  metadata["tokenizer.ggml.padding_token_id"] = static_cast<uint32_t>(vocabulary.pad_id);
  metadata["tokenizer.ggml.unknown_token_id"] = static_cast<uint32_t>(vocabulary.unk_id);
  for (const tokenizer::NormalizerStep& step : vocabulary.normalizer) {
    if (step.kind != tokenizer::NormalizerStep::Kind::kCharsmap) continue;
    metadata["tokenizer.ggml.precompiled_charsmap"] =
        std::vector<uint8_t>(step.from.begin(), step.from.end());
  }
}

Metadata text_encoder_metadata(const Model& model, const FileType& type) {
  const umt5::Config& text = model.text_encoder;
  const auto number = [](int64_t value) { return static_cast<uint32_t>(value); };
  Metadata metadata = {
      {"general.architecture", std::string("t5encoder")},
      {"general.quantization_version", uint32_t{2}},
      {"general.file_type", type.number},
      {"t5encoder.context_length", number(model.dit.text_len)},
      {"t5encoder.embedding_length", number(text.dim)},
      {"t5encoder.feed_forward_length", number(text.ffn_dim)},
      {"t5encoder.block_count", number(text.layers)},
      {"t5encoder.attention.head_count", number(text.heads)},
      {"t5encoder.attention.key_length", number(text.attn_dim / text.heads)},
      {"t5encoder.attention.value_length", number(text.attn_dim / text.heads)},
      {"t5encoder.attention.layer_norm_epsilon", umt5::kEps},
      {"t5encoder.attention.layer_norm_rms_epsilon", umt5::kEps},
      {"t5encoder.attention.relative_buckets_count", number(umt5::kBuckets)},
  };
  add_tokenizer(metadata, model.tokenizer.vocabulary, text.vocab);
  return metadata;
}

std::vector<TensorPlan> dit_plans(const Model& model, const FileType& type) {
  FormatChooser chooser(type);
  std::vector<TensorPlan> all;
  for (const SourceTensor& tensor : dit_tensors(model)) {
    all.push_back(
        rounded(tensor, tensor.is_matrix ? chooser.matrix(tensor) : chooser.other(tensor)));
  }
  return all;
}

std::vector<TensorPlan> text_encoder_plans(const Model& model, const FileType& type) {
  const auto& naming = *checkpoint::find_naming(checkpoint::Network::kTextEncoder, "llama.cpp");
  FormatChooser chooser(type);
  std::vector<TensorPlan> all;
  for (const SourceTensor& tensor : text_encoder_tensors(model)) {
    const bool is_embedding = tensor.block < 0 && tensor.shape.axes() == 2;
    DType dtype = DType::kF32;  // norms and the tables of relative positions
    if (tensor.is_matrix) dtype = chooser.matrix(tensor);
    if (is_embedding) dtype = fitting(type.matrix, tensor);
    all.push_back(rounded(tensor, dtype));
    all.back().spec.name = *naming.theirs(tensor.name);
  }
  return all;
}

}  // namespace

void add_gguf(Plan& plan, const Model& model, const std::string& type_name) {
  const FileType& type = find_type(type_name);
  plan.files.push_back(
      {.name = str_cat("Wan2.1_T2V_", upper(model.size_name), "_LightX2V_StepCfgDistill",
                       model.with_vace ? "_VACE" : "", '-', upper(type.name), ".gguf"),
       .start = gguf_writer(dit_metadata(model, type)),
       .tensors = dit_plans(model, type)});
  plan.files.push_back({.name = str_cat("umt5-xxl-encoder-", upper(type.name), ".gguf"),
                        .start = gguf_writer(text_encoder_metadata(model, type)),
                        .tensors = text_encoder_plans(model, type)});
  plan.files.push_back({.name = "Wan2.1_VAE.safetensors",
                        .start = safetensors_writer(),
                        .tensors = all_rounded(vae_tensors(model), DType::kF32)});
  plan.texts.push_back(wan_config(model));
}

}  // namespace reel::synth
