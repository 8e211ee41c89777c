// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <functional>

namespace reel::tokenizer {
namespace {

bool touches_word(std::string_view text, size_t begin, size_t end) {
  const bool is_word_before = begin > 0 && is_word_char(last_utf8(text.substr(0, begin)));
  const bool is_word_after = end < text.size() && is_word_char(first_utf8(text.substr(end)).code);
  return is_word_before || is_word_after;
}

size_t white_space_start(std::string_view text, size_t end) {
  while (end > 0) {
    const char32_t last = last_utf8(text.substr(0, end));
    if (!is_white_space(last)) break;
    std::string bytes;
    append_utf8(last, bytes);
    end -= bytes.size();
  }
  return end;
}

size_t white_space_end(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const Utf8Char next = first_utf8(text.substr(begin));
    if (!is_white_space(next.code)) break;
    begin += next.length_bytes;
  }
  return begin;
}

}  // namespace

void AddedTokenFinder::add(std::string pattern, const AddedToken& token) {
  if (pattern.empty()) return;
  starts_pattern_[static_cast<uint8_t>(pattern[0])] = true;
  lengths_.push_back(pattern.size());
  std::sort(lengths_.begin(), lengths_.end(), std::greater<>());
  lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
  tokens_.insert_or_assign(std::move(pattern), token);
}

AddedTokenFinder::Match AddedTokenFinder::longest_at(std::string_view text, size_t begin) const {
  if (!starts_pattern_[static_cast<uint8_t>(text[begin])]) return {};
  for (const size_t length : lengths_) {
    if (length > text.size() - begin) continue;
    const auto found = tokens_.find(text.substr(begin, length));
    if (found != tokens_.end()) return {begin, begin + length, &found->second};
  }
  return {};
}

std::vector<TextPart> AddedTokenFinder::split(std::string_view text) const {
  std::vector<TextPart> parts;
  size_t done = 0;
  size_t position = 0;
  while (position < text.size()) {
    Match match = longest_at(text, position);
    if (match.token == nullptr) {
      ++position;
      continue;
    }
    position = match.end;
    const AddedToken& token = *match.token;
    if (token.single_word && touches_word(text, match.begin, match.end)) continue;
    if (token.strip_left) match.begin = white_space_start(text, match.begin);
    if (token.strip_right) match.end = white_space_end(text, match.end);
    // The token before may have taken the same white space.
    match.begin = std::max(match.begin, done);
    if (done < match.begin) parts.push_back({text.substr(done, match.begin - done)});
    parts.push_back({text.substr(match.begin, match.end - match.begin), token.id});
    done = std::max(done, match.end);
  }
  if (done < text.size()) parts.push_back({text.substr(done)});
  return parts;
}

}  // namespace reel::tokenizer
