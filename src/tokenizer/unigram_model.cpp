// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unigram_model.h"

#include <algorithm>
#include <cmath>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel::tokenizer {
namespace {

constexpr const char* kRepairHint =
    "Download the tokenizer again; spiece.model of UMT5 has 4,548,313 bytes.";

bool has_piece(const UnigramModel& model, std::string_view text) {
  return std::any_of(model.pieces.begin(), model.pieces.end(),
                     [&](const Piece& piece) { return piece.text == text; });
}

void append_sentinels(UnigramModel& model, int sentinel_count) {
  if (has_piece(model, "<extra_id_0>")) return;
  for (int number = sentinel_count - 1; number >= 0; --number) {
    model.pieces.push_back({str_cat("<extra_id_", number, ">"), 0.0, PieceType::kUserDefined});
  }
}

void check_piece(const Piece& piece, size_t id, std::string_view source) {
  REEL_REQUIRE(!piece.text.empty() && piece.text.size() <= kLongestPieceBytes, kBadFile,
               str_cat(source, ": piece ", id, " has ", piece.text.size(), " bytes, 1 to ",
                       kLongestPieceBytes, " are expected."),
               kRepairHint);
  REEL_REQUIRE(is_utf8(piece.text), kBadFile,
               str_cat(source, ": piece ", id, " is not UTF-8 text."), kRepairHint);
  REEL_REQUIRE(std::isfinite(piece.score), kBadFile,
               str_cat(source, ": the score of piece ", id, " is not a finite number."),
               kRepairHint);
}

void check_id(int32_t id, const char* what, const UnigramModel& model, std::string_view source) {
  REEL_REQUIRE(id >= 0 && static_cast<size_t>(id) < model.pieces.size(), kBadFile,
               str_cat(source, ": the id of ", what, " is ", id, ", the vocabulary has ",
                       model.pieces.size(), " pieces."),
               kRepairHint);
}

}  // namespace

void complete_as_t5(UnigramModel& model, std::string charsmap, int sentinel_count) {
  append_sentinels(model, sentinel_count);
  model.byte_fallback = false;
  using Kind = NormalizerStep::Kind;
  model.normalizer.clear();
  if (!charsmap.empty()) {
    model.normalizer.push_back({.kind = Kind::kCharsmap, .from = std::move(charsmap)});
  }
  model.normalizer.push_back({.kind = Kind::kStrip, .strip_right = true});
  model.normalizer.push_back({.kind = Kind::kSpaceRuns, .to = model.words.space_mark});
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const PieceType type = model.pieces[id].type;
    if (type == PieceType::kControl || type == PieceType::kUserDefined ||
        type == PieceType::kUnknown) {
      model.added_tokens.push_back({.text = model.pieces[id].text, .id = static_cast<int32_t>(id)});
    }
  }
}

void check_model(const UnigramModel& model, std::string_view source) {
  REEL_REQUIRE(!model.pieces.empty() && model.pieces.size() <= kMostPieces, kBadFile,
               str_cat(source, ": the vocabulary has ", with_commas(model.pieces.size()),
                       " pieces, 1 to ", with_commas(kMostPieces), " are expected."),
               kRepairHint);
  for (size_t id = 0; id < model.pieces.size(); ++id) check_piece(model.pieces[id], id, source);
  check_id(model.unk_id, "<unk>", model, source);
  check_id(model.end_id, "</s>", model, source);
  check_id(model.pad_id, "<pad>", model, source);
}

}  // namespace reel::tokenizer
