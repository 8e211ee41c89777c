// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.h"

#include "base/error.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/model_proto.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/prompt_cleaning.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/unigram.h"

namespace reel::tokenizer {
namespace {

std::vector<std::string_view> split_at_white_space(std::string_view text) {
  std::vector<std::string_view> words;
  size_t word_bytes = 0;
  while (word_bytes < text.size()) {
    const Utf8Char next = first_utf8(text.substr(word_bytes));
    if (!is_white_space(next.code)) {
      word_bytes += next.length_bytes;
      continue;
    }
    if (word_bytes > 0) words.push_back(text.substr(0, word_bytes));
    text.remove_prefix(word_bytes + next.length_bytes);
    word_bytes = 0;
  }
  if (!text.empty()) words.push_back(text);
  return words;
}

std::string mark_spaces(std::string_view text, std::string_view mark) {
  std::string out;
  for (const char byte : text) {
    if (byte == ' ') {
      out += mark;
    } else {
      out += byte;
    }
  }
  return out;
}

}  // namespace

class Tokenizer::Impl {
 public:
  explicit Impl(UnigramModel model)
      : model_(std::move(model)), normalizer_(model_.normalizer), unigram_(model_) {
    for (AddedToken token : model_.added_tokens) {
      // A token that the vocabulary has too goes by the vocabulary's id.
      const int32_t piece_id = unigram_.pieces().find(token.text);
      if (piece_id >= 0) token.id = piece_id;
      if (token.normalized) {
        normalized_tokens_.add(normalizer_.apply(token.text), token);
      } else {
        raw_tokens_.add(token.text, token);
      }
    }
  }

  const UnigramModel& model() const { return model_; }

  std::vector<int32_t> ids_of(std::string_view prompt) const {
    std::vector<int32_t> ids;
    for (const TextPart& part : raw_tokens_.split(prompt)) {
      if (part.id >= 0) {
        ids.push_back(part.id);
      } else {
        append_text(part.text, part.text.data() == prompt.data(), ids);
      }
    }
    return ids;
  }

 private:
  void append_text(std::string_view text, bool is_at_start, std::vector<int32_t>& ids) const {
    const std::string normalized = normalizer_.apply(text);
    for (const TextPart& part : normalized_tokens_.split(normalized)) {
      if (part.id >= 0) {
        ids.push_back(part.id);
        continue;
      }
      const bool is_first = is_at_start && part.text.data() == normalized.data();
      if (!model_.words.split_at_white_space) {
        append_marked(part.text, is_first, ids);
        continue;
      }
      for (const std::string_view word : split_at_white_space(part.text)) {
        append_marked(word, is_first && word.data() == normalized.data(), ids);
      }
    }
  }

  // Metaspace: marks for spaces, a mark in front, and a word from every mark to the next.
  void append_marked(std::string_view text, bool is_first, std::vector<int32_t>& ids) const {
    const WordRules& rules = model_.words;
    if (!rules.mark_spaces) {
      unigram_.encode(text, ids);
      return;
    }
    std::string marked = mark_spaces(text, rules.space_mark);
    const bool has_prefix = rules.prefix == WordRules::Prefix::kAlways ||
                            (rules.prefix == WordRules::Prefix::kFirst && is_first);
    if (has_prefix && !marked.starts_with(rules.space_mark)) marked.insert(0, rules.space_mark);
    std::string_view rest = marked;
    while (!rest.empty()) {
      const size_t next = rules.split_at_marks ? rest.find(rules.space_mark, 1) : rest.size();
      unigram_.encode(rest.substr(0, next), ids);
      rest.remove_prefix(std::min(next, rest.size()));
    }
  }

  UnigramModel model_;
  Normalizer normalizer_;
  Unigram unigram_;
  AddedTokenFinder raw_tokens_;
  AddedTokenFinder normalized_tokens_;
};

std::vector<int32_t> TokenIds::mask() const {
  std::vector<int32_t> mask(ids.size(), 0);
  std::fill_n(mask.begin(), token_count, 1);
  return mask;
}

Tokenizer::Tokenizer(UnigramModel model) : impl_(std::make_unique<Impl>(std::move(model))) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&& other) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&& other) noexcept = default;

const UnigramModel& Tokenizer::model() const { return impl_->model(); }

int64_t Tokenizer::vocabulary_size() const {
  return static_cast<int64_t>(impl_->model().pieces.size());
}

TokenIds Tokenizer::encode(std::string_view prompt, int max_tokens) const {
  REEL_REQUIRE(max_tokens >= 1, kInvalidArgument,
               str_cat("max_tokens is ", max_tokens, ", at least 1 is needed for </s>."));
  check_prompt(prompt);
  TokenIds result{.ids = impl_->ids_of(prompt)};
  const auto most_content = static_cast<size_t>(max_tokens) - 1;
  result.was_truncated = result.ids.size() > most_content;
  if (result.was_truncated) result.ids.resize(most_content);
  result.ids.push_back(model().end_id);
  result.token_count = static_cast<int64_t>(result.ids.size());
  result.ids.resize(static_cast<size_t>(max_tokens), model().pad_id);
  return result;
}

UnigramModel read_tokenizer(std::string_view bytes) {
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  // A ModelProto starts with field 1, 0x0A, which is also a line feed: '{' decides.
  if (first != std::string_view::npos && bytes[first] == '{' && bytes[0] != '\n') {
    return read_tokenizer_json(bytes);
  }
  return read_model_proto(bytes);
}

}  // namespace reel::tokenizer
