// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/gguf_vocabulary.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::tokenizer {
namespace {

GgufVocabulary small_vocabulary() {
  return {.tokens = {"<pad>", "</s>", "<unk>",
                     "\u2581"
                     "a"},
          .scores = {-1000, -1000, -1000, -2.5F},
          .token_type = {3, 3, 2, 1}};
}

TEST(FromGguf, PutsTheSentinelsWhereTheUnusedEntriesWere) {
  GgufVocabulary vocabulary = small_vocabulary();
  for (const char* filler : {"[PAD4]", "[PAD5]", "[PAD6]"}) {
    vocabulary.tokens.emplace_back(filler);
    vocabulary.scores.push_back(-10000);
    vocabulary.token_type.push_back(5);
  }

  const UnigramModel model = from_gguf(std::move(vocabulary), 2);

  ASSERT_EQ(model.pieces.size(), 6U);
  EXPECT_EQ(model.pieces[4].text, "<extra_id_1>");
  EXPECT_EQ(model.pieces[5].text, "<extra_id_0>");
}

TEST(FromGguf, FindsTheUnknownPieceByItsType) {
  EXPECT_EQ(from_gguf(small_vocabulary(), 0).unk_id, 2);
}

// Converters give special tokens a very low score, from which the cost of unknown characters would
// be derived.
TEST(FromGguf, SetsTheScoresOfSpecialTokensToZero) {
  const UnigramModel model = from_gguf(small_vocabulary(), 0);

  EXPECT_EQ(model.pieces[0].score, 0);
  EXPECT_EQ(model.pieces[3].score, -2.5);
}

TEST(FromGguf, NamesTheThreeCountsThatDisagree) {
  GgufVocabulary vocabulary = small_vocabulary();
  vocabulary.scores.pop_back();

  EXPECT_REEL_ERROR(from_gguf(vocabulary), kBadFile, "4 tokens, 3 scores and 4 token types");
}

TEST(FromGguf, RefusesAnUnknownTokenType) {
  GgufVocabulary vocabulary = small_vocabulary();
  vocabulary.token_type[0] = 7;

  EXPECT_REEL_ERROR(from_gguf(vocabulary), kBadFile, "a token of type 7");
}

TEST(FromGguf, RefusesAnEndTokenOutsideTheVocabulary) {
  GgufVocabulary vocabulary = small_vocabulary();
  vocabulary.eos_token_id = 4;

  EXPECT_REEL_ERROR(from_gguf(vocabulary), kBadFile, "the id of </s> is 4");
}

}  // namespace
}  // namespace reel::tokenizer
