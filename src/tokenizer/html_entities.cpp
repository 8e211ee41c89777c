// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/html_entities.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "tokenizer/unicode.h"

namespace reel::tokenizer {
namespace {

struct Entity {
  std::string_view name;  // without the '&', with its ';' if it has one
  std::string_view text;
};

#include "tokenizer/html_entities.inc"

constexpr char32_t kReplacement = 0xFFFD;
constexpr size_t kLongestNameChars = 32;
constexpr size_t kLongestCarefulNameChars = 24;

template <size_t count>
std::optional<std::string_view> find_entity(const Entity (&table)[count], std::string_view name) {
  const auto found = std::lower_bound(
      std::begin(table), std::end(table), name,
      [](const Entity& entity, std::string_view key) { return entity.name < key; });
  if (found == std::end(table) || found->name != name) return std::nullopt;
  return found->text;
}

bool is_digit(char32_t code) { return code >= '0' && code <= '9'; }

int hex_value(char32_t code) {
  if (is_digit(code)) return static_cast<int>(code - '0');
  if (code >= 'a' && code <= 'f') return static_cast<int>(code - 'a') + 10;
  if (code >= 'A' && code <= 'F') return static_cast<int>(code - 'A') + 10;
  return -1;
}

bool is_alphanumeric(char32_t code) {
  return is_digit(code) || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

// Characters that a reference cannot stand for; HTML drops them.
bool is_dropped(uint32_t number) {
  return (number >= 0x1 && number <= 0x8) || number == 0xB || (number >= 0xE && number <= 0x1F) ||
         (number >= 0x7F && number <= 0x9F) || (number >= 0xFDD0 && number <= 0xFDEF) ||
         (number & 0xFFFE) == 0xFFFE;
}

std::u32string text_of_number(uint32_t number) {
  if (number >= 0x80 && number <= 0x9F) return {windows_1252_character(number)};
  const bool is_surrogate = number >= 0xD800 && number <= 0xDFFF;
  if (number == 0 || is_surrogate || number > 0x10FFFF) return {kReplacement};
  if (is_dropped(number)) return {};
  return {static_cast<char32_t>(number)};
}

// A reference found in a text: how many characters it takes, and what it stands for.
struct Reference {
  size_t length = 0;
  std::u32string text;
};

// "&#38;" "&#x26", at the start of `text`.
std::optional<Reference> read_number(std::u32string_view text) {
  const bool is_hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
  const uint32_t base = is_hex ? 16 : 10;
  const size_t first_digit = is_hex ? 3 : 2;
  size_t end = first_digit;
  uint32_t number = 0;
  for (; end < text.size(); ++end) {
    const int digit = hex_value(text[end]);
    if (digit < 0 || digit >= static_cast<int>(base)) break;
    number = std::min<uint32_t>(number * base + static_cast<uint32_t>(digit), 0x110000);
  }
  if (end == first_digit) return std::nullopt;
  if (end < text.size() && text[end] == ';') ++end;
  return Reference{end, text_of_number(number)};
}

bool ends_name(char32_t code) {
  return code == '\t' || code == '\n' || code == '\f' || code == ' ' || code == '<' ||
         code == '&' || code == '#' || code == ';';
}

// "&amp;" "&ampere": the longest name that is known, at the start of `text`.
std::optional<Reference> read_name(std::u32string_view text) {
  size_t end = 1;
  while (end < text.size() && end <= kLongestNameChars && !ends_name(text[end])) ++end;
  if (end < text.size() && text[end] == ';' && end > 1) ++end;
  // No name of the table has a character outside ASCII, so only an ASCII start can match.
  std::string name;
  for (size_t index = 1; index < end && text[index] < 0x80; ++index) {
    name += static_cast<char>(text[index]);
  }
  for (; name.size() >= 2; name.pop_back()) {
    if (const auto found = find_entity(kHtml5Entities, name)) {
      return Reference{1 + name.size(), decode_utf8(*found)};
    }
  }
  return std::nullopt;
}

std::optional<Reference> read_reference(std::u32string_view text) {
  if (text.size() < 2) return std::nullopt;
  return text[1] == '#' ? read_number(text) : read_name(text);
}

// "&" or "&#", 1 to 24 letters or digits, ";"
std::optional<Reference> read_careful_reference(std::u32string_view text) {
  const size_t first = text.size() > 1 && text[1] == '#' ? 2 : 1;
  size_t end = first;
  while (end < text.size() && is_alphanumeric(text[end])) ++end;
  const size_t count = end - first;
  if (count == 0 || count > kLongestCarefulNameChars) return std::nullopt;
  if (end == text.size() || text[end] != ';') return std::nullopt;
  ++end;
  if (first == 2) {
    // All of it must be the number, and it must not stand for the semicolon itself.
    std::optional<Reference> number = read_number(text.substr(0, end));
    if (!number || number->length != end || number->text == U";") return std::nullopt;
    return number;
  }
  const std::string name(text.begin() + 1, text.begin() + static_cast<ptrdiff_t>(end));
  std::optional<std::string_view> found = find_entity(kHtml5Entities, name);
  if (!found) found = find_entity(kCapitalEntities, name);
  if (!found) return std::nullopt;
  return Reference{end, decode_utf8(*found)};
}

template <typename Read>
std::u32string replace_references(std::u32string_view text, const Read& read) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = std::min(text.find(U'&'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::optional<Reference> reference = read(text);
    if (!reference)
      out += U'&';
    else
      out += reference->text;
    text.remove_prefix(reference ? reference->length : 1);
  }
  return out;
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  return replace_references(text, read_reference);
}

std::u32string unescape_html_carefully(std::u32string_view text) {
  return replace_references(text, read_careful_reference);
}

}  // namespace reel::tokenizer
