// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unigram_model.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/expect_error.h"

namespace reel::tokenizer {
namespace {

UnigramModel small_model() {
  return {.pieces = {{"<unk>", 0, PieceType::kUnknown}, {"</s>", 0, PieceType::kControl}, {"a"}}};
}

TEST(CompleteAsT5, AddsSpecialPiecesAndSentinelsAsTokens) {
  UnigramModel model = small_model();

  complete_as_t5(model, "", 1);

  ASSERT_EQ(model.added_tokens.size(), 3U);
  EXPECT_EQ(model.added_tokens[0].text, "<unk>");
  EXPECT_EQ(model.added_tokens[1].text, "</s>");
  EXPECT_EQ(model.added_tokens[2].text, "<extra_id_0>");
  EXPECT_EQ(model.added_tokens[2].id, 3);
}

TEST(CompleteAsT5, LeavesSentinelsThatAreThere) {
  UnigramModel model = small_model();
  model.pieces.push_back({"<extra_id_0>"});

  complete_as_t5(model, "", 300);

  EXPECT_EQ(model.pieces.size(), 4U);
}

TEST(CompleteAsT5, PutsTheCharsmapFirstWhereThereIsOne) {
  UnigramModel with = small_model();
  UnigramModel without = small_model();

  complete_as_t5(with, "map", 0);
  complete_as_t5(without, "", 0);

  EXPECT_EQ(with.normalizer.size(), 3U);
  EXPECT_EQ(with.normalizer[0].from, "map");
  EXPECT_EQ(without.normalizer.size(), 2U);
}

TEST(CheckModel, NamesTheFileAndWhatIsWrong) {
  UnigramModel model = small_model();
  EXPECT_NO_THROW(check_model(model, "x"));

  model.unk_id = 3;
  EXPECT_REEL_ERROR(check_model(model, "x"), kBadFile, "x: the id of <unk> is 3");

  model = small_model();
  model.pieces[2].score = std::numeric_limits<double>::infinity();
  EXPECT_REEL_ERROR(check_model(model, "x"), kBadFile, "score of piece 2");

  model = small_model();
  model.pieces[2].text.assign(kLongestPieceBytes + 1, 'a');
  EXPECT_REEL_ERROR(check_model(model, "x"), kBadFile, "piece 2 has 1025 bytes");
}

}  // namespace
}  // namespace reel::tokenizer
