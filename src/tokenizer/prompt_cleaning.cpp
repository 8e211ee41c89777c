// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/prompt_cleaning.h"

#include <algorithm>

#include "base/byte_units.h"
#include "base/error.h"
#include "tokenizer/html_entities.h"
#include "tokenizer/unicode.h"

namespace reel::tokenizer {
namespace {

constexpr char32_t kEscape = 0x1B;

struct Ligature {
  char32_t code;
  const char32_t* text;
};
constexpr Ligature kLigatures[] = {
    {0x0132, U"IJ"},      {0x0133, U"ij"},      {0x0149, U"\u02BCn"}, {0x01C4, U"D\u017D"},
    {0x01C5, U"D\u017E"}, {0x01C6, U"d\u017E"}, {0x01C7, U"LJ"},      {0x01C8, U"Lj"},
    {0x01C9, U"lj"},      {0x01CA, U"NJ"},      {0x01CB, U"Nj"},      {0x01CC, U"nj"},
    {0x01F1, U"DZ"},      {0x01F2, U"Dz"},      {0x01F3, U"dz"},      {0xFB00, U"ff"},
    {0xFB01, U"fi"},      {0xFB02, U"fl"},      {0xFB03, U"ffi"},     {0xFB04, U"ffl"},
    {0xFB05, U"\u017Ft"}, {0xFB06, U"st"}};

// Each of the following takes one character and appends what becomes of it.

void fix_c1_control(char32_t code, std::u32string& out) {
  out += code >= 0x80 && code <= 0x9F ? windows_1252_character(code) : code;
}

void fix_ligature(char32_t code, std::u32string& out) {
  const auto* found = std::find_if(std::begin(kLigatures), std::end(kLigatures),
                                   [&](const Ligature& ligature) { return ligature.code == code; });
  if (found == std::end(kLigatures)) {
    out += code;
  } else {
    out += found->text;
  }
}

void fix_width(char32_t code, std::u32string& out) {
  if (code == 0x3000) {
    out += U' ';
  } else if (code >= 0xFF01 && code <= 0xFFEF) {
    out += decode_utf8(to_normal_form(encode_utf8({&code, 1}), NormalForm::kNfkc));
  } else {
    out += code;
  }
}

void straighten_quote(char32_t code, std::u32string& out) {
  if (code == 0x02BC || (code >= 0x2018 && code <= 0x201B)) {
    out += U'\'';
  } else if (code >= 0x201C && code <= 0x201F) {
    out += U'"';
  } else {
    out += code;
  }
}

void drop_control(char32_t code, std::u32string& out) {
  const bool is_dropped = code <= 0x08 || code == 0x0B || (code >= 0x0E && code <= 0x1F) ||
                          code == 0x7F || (code >= 0x206A && code <= 0x206F) || code == 0xFEFF ||
                          (code >= 0xFFF9 && code <= 0xFFFC);
  if (!is_dropped) out += code;
}

template <typename Fix>
std::u32string fix_each(std::u32string_view text, const Fix& fix) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t code : text) fix(code, out);
  return out;
}

// "\r\n", "\r", U+2028, U+2029 and U+0085 become "\n".
std::u32string fix_line_breaks(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t index = 0; index < text.size(); ++index) {
    const char32_t code = text[index];
    if (code == '\r' && index + 1 < text.size() && text[index + 1] == '\n') continue;
    const bool is_break = code == '\r' || code == 0x2028 || code == 0x2029 || code == 0x85;
    out += is_break ? U'\n' : code;
  }
  return out;
}

// The length of ESC [ digits-and-semicolons letter at the start of `text`, or 0. Python's \d, which
// ftfy uses, takes any decimal digit of Unicode, and so does this.
size_t terminal_escape_length(std::u32string_view text) {
  if (text.size() < 3 || text[0] != kEscape || text[1] != '[') return 0;
  size_t end = 2;
  while (end < text.size() && (text[end] == ';' || is_decimal_digit(text[end]))) ++end;
  if (end == text.size()) return 0;
  const char32_t last = text[end] | 0x20;
  return last >= 'a' && last <= 'z' && text[end] < 0x80 ? end + 1 : 0;
}

std::u32string drop_terminal_escapes(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t escape_length = terminal_escape_length(text);
    if (escape_length == 0) out += text[0];
    text.remove_prefix(std::max<size_t>(escape_length, 1));
  }
  return out;
}

std::u32string to_nfc(std::u32string_view text) {
  return decode_utf8(to_normal_form(encode_utf8(text), NormalForm::kNfc));
}

// Printable ASCII, tabs and line feeds: no rule but that for HTML touches them.
bool is_plain(std::u32string_view text) {
  return std::all_of(text.begin(), text.end(), [](char32_t code) {
    return (code >= 0x20 && code < 0x7F) || code == '\t' || code == '\n';
  });
}

std::u32string fix_characters(std::u32string text) {
  if (is_plain(text)) return text;
  text = fix_each(text, fix_c1_control);
  text = fix_each(text, fix_ligature);
  text = fix_each(text, fix_width);
  text = fix_each(text, straighten_quote);
  text = fix_line_breaks(text);
  text = drop_terminal_escapes(text);
  text = fix_each(text, drop_control);
  return to_nfc(text);
}

std::u32string fix_segment(std::u32string_view segment, bool unescapes) {
  std::u32string text(segment);
  while (true) {
    std::u32string fixed = unescapes ? unescape_html_carefully(text) : text;
    fixed = fix_characters(std::move(fixed));
    if (fixed == text) return text;
    text = std::move(fixed);
  }
}

// str.isspace() of Python: White_Space and the four information separators.
bool is_python_space(char32_t code) {
  return is_white_space(code) || (code >= 0x1C && code <= 0x1F);
}

std::u32string collapse_white_space(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t code : text) {
    if (!is_python_space(code)) {
      out += code;
    } else if (!out.empty() && out.back() != ' ') {
      out += U' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

std::u32string fix_text(std::u32string_view text) {
  std::u32string out;
  bool unescapes = true;
  while (!text.empty()) {
    const size_t line_feed = text.find(U'\n');
    const std::u32string_view segment =
        text.substr(0, line_feed == std::u32string_view::npos ? text.size() : line_feed + 1);
    // A '<' says that the text is HTML, whose references are meant; from there to the end.
    unescapes = unescapes && segment.find(U'<') == std::u32string_view::npos;
    out += fix_segment(segment, unescapes);
    text.remove_prefix(segment.size());
  }
  return out;
}

void check_prompt(std::string_view prompt) {
  REEL_REQUIRE(prompt.size() <= kLongestPromptBytes, kInvalidArgument,
               str_cat("The prompt has ", with_commas(prompt.size()), " bytes, at most ",
                       with_commas(kLongestPromptBytes), " are taken."),
               "Shorten it: the text encoder reads 512 tokens, about 2,000 characters of English.");
  require_utf8_prompt(prompt);
}

std::string clean_prompt(std::string_view prompt) {
  check_prompt(prompt);
  std::u32string text = fix_text(decode_utf8(prompt));
  text = unescape_html(unescape_html(text));
  return encode_utf8(collapse_white_space(text));
}

}  // namespace reel::tokenizer
