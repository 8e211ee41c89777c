// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/gguf_vocabulary.h"

#include "base/error.h"

namespace reel::tokenizer {
namespace {

constexpr const char* kGguf = "The tokenizer in the GGUF file";
constexpr const char* kGgufHint =
    "Download the GGUF file again, or give spiece.model of google/umt5-xxl.";

PieceType to_piece_type(int32_t value) {
  REEL_REQUIRE(value >= 1 && value <= 6, kBadFile,
               str_cat(kGguf, " has a token of type ", value, ", 1 to 6 are known."), kGgufHint);
  return static_cast<PieceType>(value);
}

bool is_special(PieceType type) {
  return type == PieceType::kControl || type == PieceType::kUserDefined ||
         type == PieceType::kUnknown;
}

}  // namespace

UnigramModel from_gguf(GgufVocabulary vocabulary, int sentinel_count) {
  const size_t count = vocabulary.tokens.size();
  REEL_REQUIRE(vocabulary.scores.size() == count && vocabulary.token_type.size() == count, kBadFile,
               str_cat(kGguf, " has ", count, " tokens, ", vocabulary.scores.size(), " scores and ",
                       vocabulary.token_type.size(), " token types; the three must agree."),
               kGgufHint);
  UnigramModel model;
  model.pieces.reserve(count);
  for (size_t id = 0; id < count; ++id) {
    const PieceType type = to_piece_type(vocabulary.token_type[id]);
    const double score = is_special(type) ? 0.0 : vocabulary.scores[id];
    model.pieces.push_back({std::move(vocabulary.tokens[id]), score, type});
    if (type == PieceType::kUnknown && vocabulary.unknown_token_id < 0) {
      vocabulary.unknown_token_id = static_cast<int32_t>(id);
    }
  }
  while (!model.pieces.empty() && model.pieces.back().type == PieceType::kUnused) {
    model.pieces.pop_back();
  }
  model.unk_id = vocabulary.unknown_token_id;
  model.end_id = vocabulary.eos_token_id;
  model.pad_id = vocabulary.padding_token_id;
  if (!vocabulary.add_space_prefix) model.words.prefix = WordRules::Prefix::kNever;
  check_model(model, kGguf);
  complete_as_t5(model, std::move(vocabulary.precompiled_charsmap), sentinel_count);
  return model;
}

}  // namespace reel::tokenizer
