// SPDX-License-Identifier: Apache-2.0
// Finds the tokens that are cut out of a text before the vocabulary sees it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/unigram_model.h"

namespace reel::tokenizer {

// A stretch of a text: an added token, or what lies between two of them (id -1).
struct TextPart {
  std::string_view text;
  int32_t id = -1;

  bool operator==(const TextPart&) const = default;
};

// Of the tokens that match at a place, the leftmost and then the longest wins.
//
// Source: huggingface/tokenizers 0.23, tokenizer/added_vocabulary.rs, find_matches.
class AddedTokenFinder {
 public:
  // Adds a token that is looked for as `pattern`; an empty pattern is ignored. A later token of
  // the same pattern replaces an earlier one.
  void add(std::string pattern, const AddedToken& token);

  // The parts cover the text, less the white space that tokens take along; none is empty.
  std::vector<TextPart> split(std::string_view text) const;

 private:
  struct Match {
    size_t begin = 0;
    size_t end = 0;
    const AddedToken* token = nullptr;
  };
  Match longest_at(std::string_view text, size_t begin) const;

  std::map<std::string, AddedToken, std::less<>> tokens_;
  std::vector<size_t> lengths_;  // the different pattern lengths, longest first
  bool starts_pattern_[256] = {};
};

}  // namespace reel::tokenizer
