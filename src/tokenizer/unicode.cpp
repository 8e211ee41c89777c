// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <iomanip>
#include <memory>
#include <new>
#include <sstream>

#include "base/error.h"

namespace reel::tokenizer {
namespace {

constexpr char32_t kZeroWidthNonJoiner = 0x200C;
constexpr char32_t kZeroWidthJoiner = 0x200D;

constexpr char32_t kWindows1252[32] = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

uint8_t byte_at(std::string_view text, size_t index) { return static_cast<uint8_t>(text[index]); }

bool is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// The length a first byte announces, 0 when no character starts with it.
size_t announced_length(uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

size_t first_bad_byte(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    const size_t length = first_utf8(text.substr(position)).length_bytes;
    if (length == 0) return position;
    position += length;
  }
  return text.size();
}

int normal_form_options(NormalForm form) {
  switch (form) {
    case NormalForm::kNfc: return UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    case NormalForm::kNfd: return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    case NormalForm::kNfkc: return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    case NormalForm::kNfkd: return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
  }
  return 0;
}

}  // namespace

Utf8Char first_utf8(std::string_view text) {
  if (text.empty()) return {};
  const uint8_t first = byte_at(text, 0);
  const size_t length = announced_length(first);
  if (length == 0 || length > text.size()) return {};
  if (length == 1) return {first, 1};
  char32_t code = first & (0x7F >> length);
  for (size_t index = 1; index < length; ++index) {
    const uint8_t byte = byte_at(text, index);
    if (!is_continuation(byte)) return {};
    code = (code << 6) | (byte & 0x3F);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[length] || code > 0x10FFFF || is_surrogate) return {};
  return {code, length};
}

char32_t last_utf8(std::string_view text) {
  if (text.empty()) return 0;
  size_t start = text.size() - 1;
  while (start > 0 && is_continuation(byte_at(text, start))) --start;
  return first_utf8(text.substr(start)).code;
}

bool is_utf8(std::string_view text) { return first_bad_byte(text) == text.size(); }

void require_utf8_prompt(std::string_view prompt) {
  const size_t position = first_bad_byte(prompt);
  if (position == prompt.size()) return;
  std::ostringstream byte;
  byte << "0x" << std::hex << std::uppercase << std::setw(2) << std::setfill('0')
       << static_cast<int>(byte_at(prompt, position));
  fail(ErrorCode::kInvalidArgument,
       str_cat("The prompt is not UTF-8: byte ", position, " (", byte.str(),
               ") does not belong to a character."),
       "Save the prompt as UTF-8 text; iconv -f LATIN1 -t UTF-8 converts a Latin-1 file.");
}

std::u32string decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char next = first_utf8(text);
    REEL_REQUIRE(next.length_bytes > 0, kInternal,
                 "decode_utf8 was given bytes that are not UTF-8.");
    out.push_back(next.code);
    text.remove_prefix(next.length_bytes);
  }
  return out;
}

void append_utf8(char32_t code, std::string& out) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += tail(6);
    out += tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += tail(12);
    out += tail(6);
    out += tail(0);
  }
}

std::string encode_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t code : text) append_utf8(code, out);
  return out;
}

bool is_white_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_word_char(char32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: break;
  }
  // The symbols that Unicode lists as alphabetic: letters in circles and squares.
  const bool is_letter_symbol =
      (code >= 0x24B6 && code <= 0x24E9) || (code >= 0x1F130 && code <= 0x1F149) ||
      (code >= 0x1F150 && code <= 0x1F169) || (code >= 0x1F170 && code <= 0x1F189);
  return is_letter_symbol || code == kZeroWidthNonJoiner || code == kZeroWidthJoiner;
}

char32_t windows_1252_character(char32_t code) { return kWindows1252[code - 0x80]; }

bool is_decimal_digit(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code)) == UTF8PROC_CATEGORY_ND;
}

bool is_grapheme_break(char32_t left, char32_t right, int& state) {
  return utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(left),
                                          static_cast<utf8proc_int32_t>(right), &state);
}

std::string to_normal_form(std::string_view text, NormalForm form) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length_bytes =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                   static_cast<utf8proc_option_t>(normal_form_options(form)));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (length_bytes == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  REEL_REQUIRE(length_bytes >= 0, kInternal,
               str_cat("Unicode normalisation failed: ", utf8proc_errmsg(length_bytes), "."));
  return {reinterpret_cast<const char*>(mapped), static_cast<size_t>(length_bytes)};
}

}  // namespace reel::tokenizer
