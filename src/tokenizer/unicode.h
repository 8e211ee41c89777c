// SPDX-License-Identifier: Apache-2.0
// UTF-8, and the few Unicode properties that cleaning and tokenizing ask for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reel::tokenizer {

// The first character of a text. `length_bytes` is 0 when the text is empty or does not start
// with well-formed UTF-8 (overlong forms, surrogates and values above U+10FFFF are not).
struct Utf8Char {
  char32_t code = 0;
  size_t length_bytes = 0;
};
Utf8Char first_utf8(std::string_view text);

// The character that ends a well-formed text; code 0 when it is empty.
char32_t last_utf8(std::string_view text);

bool is_utf8(std::string_view text);

// Throws kInvalidArgument naming the first bad byte of the prompt and its position.
void require_utf8_prompt(std::string_view prompt);

// `text` must be well-formed.
std::u32string decode_utf8(std::string_view text);
void append_utf8(char32_t code, std::string& out);
std::string encode_utf8(std::u32string_view text);

// Unicode White_Space: what Rust calls whitespace, and its \s.
bool is_white_space(char32_t code);

// A word character as \w of Rust's regex crate has it: letters, marks, decimal digits, connecting
// punctuation and the two joiners.
bool is_word_char(char32_t code);

// What Windows-1252 has at 0x80 to 0x9F; the five codes it leaves free stand for themselves.
// `code` must be in that range.
char32_t windows_1252_character(char32_t code);

// A decimal digit of any script (category Nd).
bool is_decimal_digit(char32_t code);

// Whether a text may be cut between two neighbouring characters without splitting what a reader
// sees as one (UAX 29, extended clusters). `state` starts at 0 and is carried along the text.
bool is_grapheme_break(char32_t left, char32_t right, int& state);

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
// `text` must be well-formed.
std::string to_normal_form(std::string_view text, NormalForm form);

}  // namespace reel::tokenizer
