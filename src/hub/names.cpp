// SPDX-License-Identifier: Apache-2.0
#include "hub/names.h"

#include <algorithm>
#include <cctype>

namespace reel::hub {
namespace {

bool is_plain(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' || letter == '_' ||
         letter == '.';
}

bool is_repository_word(std::string_view word) {
  return !word.empty() && word.size() <= 96 && std::ranges::all_of(word, is_plain) &&
         std::string_view("-.").find(word.front()) == std::string_view::npos &&
         std::string_view("-.").find(word.back()) == std::string_view::npos &&
         word.find("--") == std::string_view::npos && word.find("..") == std::string_view::npos;
}

bool is_safe_part(std::string_view part) {
  return !part.empty() && part.size() <= 255 && part != "." && part != ".." &&
         std::ranges::none_of(part, [](unsigned char letter) {
           return letter < 0x20 || letter == 0x7f || letter == '\\';
         });
}

}  // namespace

bool is_safe_path(std::string_view path) {
  if (path.size() > 1024) return false;
  for (size_t at = 0;;) {
    const size_t end = path.find('/', at);
    if (!is_safe_part(path.substr(at, end - at))) return false;
    if (end == std::string_view::npos) return true;
    at = end + 1;
  }
}

bool is_repository_id(std::string_view text) {
  const size_t slash = text.find('/');
  return slash != std::string_view::npos && is_repository_word(text.substr(0, slash)) &&
         is_repository_word(text.substr(slash + 1));
}

bool is_commit(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_revision(std::string_view text) { return text.size() <= 200 && is_safe_path(text); }

std::string url_encoded(std::string_view text, bool keep_slashes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char letter : text) {
    if (is_plain(letter) || letter == '~' || (keep_slashes && letter == '/')) {
      out += letter;
    } else {
      const auto byte = static_cast<unsigned char>(letter);
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

std::string printable(std::string_view text, size_t most) {
  std::string out;
  for (const char letter : text) {
    if (out.size() >= most) return out + "...";
    out += letter >= 0x20 && letter < 0x7f ? letter : ' ';
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

}  // namespace reel::hub
