// SPDX-License-Identifier: Apache-2.0
// Prompt to token ids, equal to those of Hugging Face's fast tokenizer.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/unigram_model.h"

namespace reel::tokenizer {

// What the text encoder of Wan is trained with.
inline constexpr int kPromptTokens = 512;

struct TokenIds {
  std::vector<int32_t> ids;  // [max_tokens]; </s> at token_count - 1, <pad> from there on
  int64_t token_count = 0;   // ids that are real, </s> included
  bool was_truncated = false;

  // 1 for a real id, 0 for a pad.
  std::vector<int32_t> mask() const;
};

// Immutable, so it may be used from several threads.
class Tokenizer {
 public:
  // Takes what read_tokenizer, read_tokenizer_json, read_model_proto or from_gguf have read.
  // Throws kBadFile when its character map is damaged.
  explicit Tokenizer(UnigramModel model);
  ~Tokenizer();
  Tokenizer(Tokenizer&& other) noexcept;
  Tokenizer& operator=(Tokenizer&& other) noexcept;

  const UnigramModel& model() const;
  int64_t vocabulary_size() const;

  // Cuts the prompt, which is taken as it is (clean_prompt comes before), appends one </s>, and
  // fills up to `max_tokens` >= 1. A longer prompt keeps its first max_tokens - 1 ids.
  // Throws kInvalidArgument as check_prompt does, and kBadFile when the model's normalizer lets the
  // prompt grow without bound.
  TokenIds encode(std::string_view prompt, int max_tokens = kPromptTokens) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads a tokenizer.json or a serialised ModelProto, told apart by their first bytes.
UnigramModel read_tokenizer(std::string_view bytes);

}  // namespace reel::tokenizer
