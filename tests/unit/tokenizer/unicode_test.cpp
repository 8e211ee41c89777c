// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unicode.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::tokenizer {
namespace {

TEST(FirstUtf8, ReadsOneToFourBytes) {
  EXPECT_EQ(first_utf8("a").code, U'a');
  EXPECT_EQ(first_utf8("\u00E9x").length_bytes, 2U);
  EXPECT_EQ(first_utf8("\uFFFD").code, 0xFFFDU);
  EXPECT_EQ(first_utf8("\U0010FFFF").code, 0x10FFFFU);
}

TEST(FirstUtf8, RefusesWhatIsNotWellFormed) {
  EXPECT_EQ(first_utf8("").length_bytes, 0U);
  EXPECT_EQ(first_utf8("\x80").length_bytes, 0U);              // a continuation
  EXPECT_EQ(first_utf8("\xC0\x80").length_bytes, 0U);          // overlong
  EXPECT_EQ(first_utf8("\xE0\x9F\xBF").length_bytes, 0U);      // overlong
  EXPECT_EQ(first_utf8("\xED\xA0\x80").length_bytes, 0U);      // a surrogate
  EXPECT_EQ(first_utf8("\xF4\x90\x80\x80").length_bytes, 0U);  // above U+10FFFF
  EXPECT_EQ(first_utf8("\xE3\x81").length_bytes, 0U);          // cut short
  EXPECT_EQ(first_utf8("\xFF").length_bytes, 0U);
}

TEST(LastUtf8, ReadsTheLastCharacter) {
  EXPECT_EQ(last_utf8("a\u732B"), U'\u732B');
  EXPECT_EQ(last_utf8(""), U'\0');
}

TEST(EncodeUtf8, IsTheInverseOfDecodeUtf8) {
  const std::u32string text = U"\0a\u007F\u0080\u07FF\u0800\uFFFF\U00010000\U0010FFFF";

  EXPECT_EQ(decode_utf8(encode_utf8(text)), text);
}

TEST(RequireUtf8Prompt, NamesByteAndPosition) {
  EXPECT_NO_THROW(require_utf8_prompt("\u732B"));
  EXPECT_REEL_ERROR(require_utf8_prompt("\u732B\xFE"), kInvalidArgument, "byte 3 (0xFE)");
}

TEST(IsWhiteSpace, KnowsThatSeparatorsOfInformationAreNone) {
  EXPECT_TRUE(is_white_space(0x3000));
  EXPECT_TRUE(is_white_space(0x85));
  EXPECT_FALSE(is_white_space(0x1C));
  EXPECT_FALSE(is_white_space(0x200B));
}

TEST(IsWordChar, TakesLettersMarksDigitsAndConnectors) {
  for (const char32_t code : {U'a', U'\u732B', U'\u0301', U'7', U'_', U'\u200D', U'\u24B6'}) {
    EXPECT_TRUE(is_word_char(code)) << static_cast<uint32_t>(code);
  }
  for (const char32_t code : {U' ', U'-', U'\u00BD', U'\U0001F431'}) {
    EXPECT_FALSE(is_word_char(code)) << static_cast<uint32_t>(code);
  }
}

TEST(IsGraphemeBreak, KeepsAnAccentAndAnEmojiSequenceTogether) {
  int state = 0;
  EXPECT_FALSE(is_grapheme_break(U'e', U'\u0301', state));
  state = 0;
  EXPECT_FALSE(is_grapheme_break(U'\r', U'\n', state));
  state = 0;
  EXPECT_TRUE(is_grapheme_break(U'a', U'b', state));
}

TEST(ToNormalForm, ComposesAndDecomposes) {
  EXPECT_EQ(to_normal_form("e\u0301", NormalForm::kNfc), "\u00E9");
  EXPECT_EQ(to_normal_form("\u00E9", NormalForm::kNfd), "e\u0301");
  EXPECT_EQ(to_normal_form("\uFF21", NormalForm::kNfkc), "A");
  EXPECT_EQ(to_normal_form("\uFF76\u3099", NormalForm::kNfkd), "\u30AB\u3099");
  EXPECT_EQ(to_normal_form(std::string_view("a\0b", 3), NormalForm::kNfc), std::string("a\0b", 3));
}

}  // namespace
}  // namespace reel::tokenizer
