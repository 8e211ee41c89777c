// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/added_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reel::tokenizer {
namespace {

using testing::ElementsAre;

AddedTokenFinder finder_of(std::initializer_list<AddedToken> tokens) {
  AddedTokenFinder finder;
  for (const AddedToken& token : tokens) finder.add(token.text, token);
  return finder;
}

TEST(AddedTokenFinder, LeavesATextWithoutTokensWhole) {
  const AddedTokenFinder finder = finder_of({{.text = "<pad>", .id = 0}});

  EXPECT_EQ(finder.split("").size(), 0U);
  EXPECT_THAT(finder.split("a <pad b"), ElementsAre(TextPart{"a <pad b", -1}));
}

TEST(AddedTokenFinder, TakesTheLongestOfThoseThatStartAtAPlace) {
  const AddedTokenFinder finder = finder_of({{.text = "<a>", .id = 1}, {.text = "<a>0", .id = 2}});

  EXPECT_THAT(finder.split("<a>0<a>1"),
              ElementsAre(TextPart{"<a>0", 2}, TextPart{"<a>", 1}, TextPart{"1", -1}));
}

TEST(AddedTokenFinder, StripsWhiteSpaceOnTheSidesThatAreSet) {
  const AddedTokenFinder left = finder_of({{.text = "<a>", .id = 1, .strip_left = true}});
  const AddedTokenFinder right = finder_of({{.text = "<a>", .id = 1, .strip_right = true}});

  // U+3000 is white space too.
  EXPECT_THAT(left.split("x \u3000<a> y"),
              ElementsAre(TextPart{"x", -1}, TextPart{" \u3000<a>", 1}, TextPart{" y", -1}));
  EXPECT_THAT(right.split("x <a> \u3000y"),
              ElementsAre(TextPart{"x ", -1}, TextPart{"<a> \u3000", 1}, TextPart{"y", -1}));
}

TEST(AddedTokenFinder, GivesSharedWhiteSpaceToTheFirstOfTwoTokens) {
  const AddedTokenFinder finder =
      finder_of({{.text = "<a>", .id = 1, .strip_left = true, .strip_right = true}});

  EXPECT_THAT(finder.split("<a>  <a>"), ElementsAre(TextPart{"<a>  ", 1}, TextPart{"<a>", 1}));
}

TEST(AddedTokenFinder, SkipsASingleWordTokenBesideAWordCharacter) {
  const AddedTokenFinder finder = finder_of({{.text = "cat", .id = 1, .single_word = true}});

  EXPECT_THAT(finder.split("cats"), ElementsAre(TextPart{"cats", -1}));
  EXPECT_THAT(finder.split("\u00E9"
                           "cat"),
              ElementsAre(TextPart{"\u00E9"
                                   "cat",
                                   -1}));
  EXPECT_THAT(finder.split("(cat)"),
              ElementsAre(TextPart{"(", -1}, TextPart{"cat", 1}, TextPart{")", -1}));
}

}  // namespace
}  // namespace reel::tokenizer
