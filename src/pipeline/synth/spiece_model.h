// SPDX-License-Identifier: Apache-2.0
// The tokenizer of a random checkpoint: a small English vocabulary in UMT5's form.
#pragma once

#include <cstdint>
#include <string>

#include "tokenizer/unigram_model.h"

namespace reel::synth {

// <pad> 0, </s> 1, <s> 2, <unk> 3, then words, parts of words, letters, digits and punctuation.
const tokenizer::UnigramModel& vocabulary();
inline int64_t spiece_count() { return static_cast<int64_t>(vocabulary().pieces.size()); }

std::string spiece_model();    // a serialised sentencepiece ModelProto
std::string tokenizer_json();  // the same for Hugging Face's fast tokenizer
std::string tokenizer_config_json();

}  // namespace reel::synth
