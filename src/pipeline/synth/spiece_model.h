// SPDX-License-Identifier: Apache-2.0
// A checkpoint's tokenizer; that of a random one is a small English vocabulary in UMT5's form.
#pragma once

#include <string>

#include "tokenizer/unigram_model.h"

namespace reel::synth {

// One tokenizer in the forms that layouts store it in.
struct TokenizerFiles {
  tokenizer::UnigramModel vocabulary;
  std::string spiece_model;    // a serialised sentencepiece ModelProto
  std::string tokenizer_json;  // the same for Hugging Face's fast tokenizer; empty: not written
  std::string tokenizer_config_json;  // likewise
};

// <pad> 0, </s> 1, <s> 2, <unk> 3, then words, parts of words, letters, digits and punctuation.
TokenizerFiles small_tokenizer();

}  // namespace reel::synth
