// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/normalizer.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "tokenizer/model_proto.h"
#include "unit/tokenizer/golden_files.h"

namespace reel::tokenizer {
namespace {

using Kind = NormalizerStep::Kind;

std::string normalize(const NormalizerStep& step, std::string_view text) {
  return Normalizer({step}).apply(text);
}

Charsmap nmt_nfkc() {
  return Charsmap(read_model_proto(read_golden("nmt_nfkc/spiece.model")).normalizer.at(0).from);
}

TEST(Charsmap, AppliesItsRules) {
  const Charsmap map = nmt_nfkc();

  EXPECT_EQ(map.apply("\uFF21\u00BD \uFB01ne"), "A1\u20442 fine");
  EXPECT_EQ(map.apply("plain text"), "plain text");
  EXPECT_EQ(map.apply(""), "");
}

TEST(Charsmap, ComposesABaseAndItsAccent) { EXPECT_EQ(nmt_nfkc().apply("e\u0301"), "\u00E9"); }

// Hugging Face lets the shortest rule replace the whole cluster; sentencepiece gives U+1EBF.
TEST(Charsmap, LosesTheSecondAccentOfAShortClusterAsHuggingFaceDoes) {
  EXPECT_EQ(nmt_nfkc().apply("e\u0302\u0301"), "\u00EA");
}

TEST(Charsmap, MapsTheCharactersOfALongClusterOneByOne) {
  // Six bytes: half-width KA and its voicing mark.
  EXPECT_EQ(nmt_nfkc().apply("\uFF76\uFF9E"), "\u30AB\u3099");
}

TEST(Charsmap, RefusesSizesThatDoNotFit) {
  EXPECT_REEL_ERROR(Charsmap("abc"), kBadFile, "has 3 bytes");
  EXPECT_REEL_ERROR(Charsmap(std::string_view("\x08\0\0\0\0\0\0\0", 8)), kBadFile,
                    "says 8 bytes of trie, 4 are there");
  EXPECT_REEL_ERROR(Charsmap(std::string_view("\0\0\0\0", 4)), kBadFile, "says 0 bytes");
}

TEST(Charsmap, MatchesNothingWhereTheTriePointsOutsideItself) {
  const Charsmap map(std::string_view("\x04\0\0\0\xFF\xFF\xFF\xFF", 8));

  EXPECT_EQ(map.apply("abc"), "abc");
}

TEST(Normalizer, ReplacesRunsOfSpacesButNotSingleOnes) {
  const NormalizerStep step{.kind = Kind::kSpaceRuns, .to = "_"};

  EXPECT_EQ(normalize(step, " a  b   c d "), " a_b_c d ");
  EXPECT_EQ(normalize(step, "  "), "_");
}

TEST(Normalizer, StripsOnTheSidesThatAreSet) {
  EXPECT_EQ(normalize({.kind = Kind::kStrip, .strip_right = true}, " a \u3000"), " a");
  EXPECT_EQ(normalize({.kind = Kind::kStrip, .strip_left = true}, "\u00A0\ta "), "a ");
}

TEST(Normalizer, ReplacesEveryPlace) {
  EXPECT_EQ(normalize({.kind = Kind::kReplace, .from = "aa", .to = "b"}, "aaaaa"), "bba");
}

TEST(Normalizer, PrependsToTextsThatAreNotEmpty) {
  EXPECT_EQ(normalize({.kind = Kind::kPrepend, .to = "_"}, "a"), "_a");
  EXPECT_EQ(normalize({.kind = Kind::kPrepend, .to = "_"}, ""), "");
}

TEST(Normalizer, RefusesStepsThatGrowATextWithoutEnd) {
  const std::vector<NormalizerStep> doublings(60,
                                              {.kind = Kind::kReplace, .from = "a", .to = "aa"});

  EXPECT_REEL_ERROR(Normalizer(doublings).apply("a"), kBadFile, "more than 4194304 bytes");
}

TEST(Normalizer, TakesItsStepsInOrder) {
  const Normalizer normalizer({{.kind = Kind::kReplace, .from = "a", .to = "b"},
                               {.kind = Kind::kReplace, .from = "b", .to = "c"},
                               {.kind = Kind::kNormalForm, .form = NormalForm::kNfkc}});

  EXPECT_EQ(normalizer.apply("ab\uFF21"), "ccA");
}

}  // namespace
}  // namespace reel::tokenizer
