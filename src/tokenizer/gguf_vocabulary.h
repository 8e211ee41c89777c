// SPDX-License-Identifier: Apache-2.0
// The tokenizer that a GGUF text encoder carries in its metadata (tokenizer.ggml.*).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tokenizer/unigram_model.h"

namespace reel::tokenizer {

// The values of the keys of the same names; tokenizer.ggml.model must be "t5".
struct GgufVocabulary {
  std::vector<std::string> tokens = {};
  std::vector<float> scores = {};
  std::vector<int32_t> token_type = {};
  int32_t unknown_token_id = -1;  // -1: found by its type
  int32_t eos_token_id = 1;
  int32_t padding_token_id = 0;
  bool add_space_prefix = true;
  std::string precompiled_charsmap = {};
};

// Converters fill the vocabulary up to the rows of the embedding with unused entries: those at the
// end are dropped, and `sentinel_count` sentinels take their place. The scores of special tokens
// become 0, as in a tokenizer.json; the lowest score of the vocabulary is that of a real piece.
//
// Throws kBadFile when the arrays differ in length or check_model refuses the result.
UnigramModel from_gguf(GgufVocabulary vocabulary, int sentinel_count = kUmt5Sentinels);

}  // namespace reel::tokenizer
