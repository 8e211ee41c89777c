// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unigram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reel::tokenizer {
namespace {

using testing::ElementsAre;

UnigramModel model_of(std::initializer_list<Piece> pieces) {
  return {.pieces = pieces, .unk_id = 0};
}

std::vector<int32_t> encode(const UnigramModel& model, std::string_view word) {
  std::vector<int32_t> ids;
  Unigram(model).encode(word, ids);
  return ids;
}

TEST(PieceIndex, FindsPiecesAndTheHighestIdOfEqualOnes) {
  const std::vector<Piece> pieces = {{"b"}, {"a"}, {"ab"}, {"a"}};
  const PieceIndex index(pieces);

  EXPECT_EQ(index.find("b"), 0);
  EXPECT_EQ(index.find("ab"), 2);
  EXPECT_EQ(index.find("a"), 3);
  EXPECT_EQ(index.find("abc"), -1);
  EXPECT_EQ(index.find(""), -1);
}

TEST(Unigram, TakesTheHighestSum) {
  const UnigramModel model =
      model_of({{"<unk>"}, {"a", -3}, {"b", -3}, {"ab", -5}, {"c", -1}, {"bc", -3.5}});

  // ab + c = -6; a + bc = -6.5; a + b + c = -7
  EXPECT_THAT(encode(model, "abc"), ElementsAre(3, 4));
}

TEST(Unigram, KeepsTheFirstFoundOfEqualSums) {
  const UnigramModel model = model_of({{"<unk>"}, {"a", -2}, {"aa", -3}});

  // a + aa = aa + a: position 3 is reached first from position 1.
  EXPECT_THAT(encode(model, "aaa"), ElementsAre(1, 2));
}

TEST(Unigram, FusesNeighbouringUnknownCharacters) {
  const UnigramModel model = model_of({{"<unk>"}, {"a", -1}});

  EXPECT_THAT(encode(model, "xya\u732Ba"), ElementsAre(0, 1, 0, 1));
}

TEST(Unigram, SpellsUnknownCharactersInBytes) {
  UnigramModel model = model_of({{"<unk>"}, {"a", -1}});
  for (int byte = 0; byte < 256; ++byte) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    model.pieces.push_back(
        {std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">", -9});
  }
  model.byte_fallback = true;

  // U+00E9 is 0xC3 0xA9; <0x00> has id 2.
  EXPECT_THAT(encode(model, "a\u00E9"), ElementsAre(1, 2 + 0xC3, 2 + 0xA9));
}

TEST(Unigram, TakesUnknownWhereABytePieceIsMissing) {
  UnigramModel model = model_of({{"<unk>"}, {"a", -1}, {"<0xC3>", -9}});
  model.byte_fallback = true;

  EXPECT_THAT(encode(model, "a\u00E9"), ElementsAre(1, 0));
}

TEST(Unigram, GivesNoIdsToAnEmptyWord) { EXPECT_TRUE(encode(model_of({{"<unk>"}}), "").empty()); }

}  // namespace
}  // namespace reel::tokenizer
