// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/prompt_cleaning.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "support/expect_error.h"
#include "unit/tokenizer/golden_files.h"

namespace reel::tokenizer {
namespace {

TEST(CleanPrompt, EqualsFtfyOnTenThousandPrompts) {
  std::istringstream lines(read_golden("cleaning.jsonl"));
  int count = 0;
  int differing = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto pair = nlohmann::json::parse(line);
    const auto prompt = pair[0].get<std::string>();
    const auto want = pair[pair.size() - 1].get<std::string>();

    const std::string got = clean_prompt(prompt);

    if (got != want && ++differing <= 10) {
      ADD_FAILURE() << nlohmann::json(prompt).dump(-1, ' ', true) << "\n  became "
                    << nlohmann::json(got).dump(-1, ' ', true) << "\n  not    "
                    << nlohmann::json(want).dump(-1, ' ', true);
    }
  }
  EXPECT_EQ(count, 10'000);
  EXPECT_EQ(differing, 0);
}

TEST(CleanPrompt, LeavesPlainTextAlone) {
  EXPECT_EQ(clean_prompt("A cat, running (fast)."), "A cat, running (fast).");
  EXPECT_EQ(clean_prompt(""), "");
}

TEST(CleanPrompt, CollapsesWhiteSpaceOfEveryKind) {
  EXPECT_EQ(clean_prompt(" \ta\n\u3000 b\u00A0c\u2003 "), "a b c");
}

TEST(CleanPrompt, NarrowsFullWidthFormsAndStraightensQuotes) {
  EXPECT_EQ(clean_prompt("\uFF2C\uFF2F\uFF35\uFF24\uFF0C \u201Cyes\u201D"), "LOUD, \"yes\"");
}

TEST(CleanPrompt, LeavesReferencesForTheSecondStepWhereTheTextHasATag) {
  // ftfy does not touch HTML; html.unescape runs twice, so two levels go and the third stays.
  EXPECT_EQ(clean_prompt("<b> &amp;amp;amp;"), "<b> &amp;");
  EXPECT_EQ(clean_prompt("b &amp;amp;amp;"), "b &");
}

TEST(CleanPrompt, DropsTerminalEscapesAndControlCharacters) {
  EXPECT_EQ(clean_prompt("\x1B[31mred\x1B[0m\x07 \uFEFFcat"), "red cat");
}

TEST(CleanPrompt, NamesTheFirstBadByte) {
  EXPECT_REEL_ERROR(clean_prompt("abc\xE9"), kInvalidArgument, "byte 3 (0xE9)");
  EXPECT_REEL_ERROR(clean_prompt("\xED\xA0\x80"), kInvalidArgument, "byte 0 (0xED)");
}

TEST(CleanPrompt, NamesTheLimitWhenThePromptIsTooLong) {
  EXPECT_NO_THROW(clean_prompt(std::string(kLongestPromptBytes, 'a')));
  EXPECT_REEL_ERROR(clean_prompt(std::string(kLongestPromptBytes + 1, 'a')), kInvalidArgument,
                    "at most 65,536");
}

TEST(FixText, StopsUnescapingAtTheFirstLineWithATag) {
  EXPECT_EQ(fix_text(U"&lt;\n<b> &lt;\n&lt;"), U"<\n<b> &lt;\n&lt;");
}

TEST(FixText, RepeatsUntilNothingChanges) {
  // Full-width digits become ASCII first, which makes a reference of them.
  EXPECT_EQ(fix_text(U"&#\uFF16\uFF15;"), U"A");
}

}  // namespace
}  // namespace reel::tokenizer
