// SPDX-License-Identifier: Apache-2.0
// What is done to a prompt before it is tokenized: the cleaning that Wan was trained with.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reel::tokenizer {

// Far above what 512 tokens hold; the bound keeps hostile input from costing seconds.
inline constexpr size_t kLongestPromptBytes = 65536;

// Throws kInvalidArgument when the prompt is longer than kLongestPromptBytes, and when it is not
// UTF-8, naming the first bad byte.
void check_prompt(std::string_view prompt);

// In this order:
//   1. fix_text below;
//   2. html.unescape twice;
//   3. every run of white space becomes one space; none is left at the ends.
//
// Throws as check_prompt does.
// Source: Wan-Video/Wan2.1, wan/modules/tokenizers.py, mode "whitespace".
std::string clean_prompt(std::string_view prompt);

// What ftfy.fix_text does by default, except its search for mojibake (text decoded with the wrong
// encoding): careful HTML references in lines without '<', Windows-1252 for C1 controls, Latin
// ligatures apart, full-width and half-width forms to their usual width, straight quotes, line
// feeds, no terminal escapes, no control characters, NFC; again until nothing changes.
//
// NFC is that of utf8proc: a mark that is newer than the Unicode of a Python may be ordered another
// way there (eight characters between 3.11 and utf8proc 2.8).
//
// Source: ftfy 6.3.1, fix_text with fix_encoding=False.
std::u32string fix_text(std::u32string_view text);

}  // namespace reel::tokenizer
