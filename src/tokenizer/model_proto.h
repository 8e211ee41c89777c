// SPDX-License-Identifier: Apache-2.0
// The form in which sentencepiece stores a tokenizer: spiece.model, and the spiece_model tensor of
// ComfyUI's text encoders.
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/unigram_model.h"

namespace reel::tokenizer {

// Reads a serialised ModelProto and completes it as transformers does (complete_as_t5).
//
// Throws kBadFile when the bytes are not such a message, are cut short, or fail check_model;
// kUnsupported when the model is not of the Unigram kind.
//
// Source: google/sentencepiece, src/sentencepiece_model.proto (field numbers).
UnigramModel read_model_proto(std::string_view bytes, int sentinel_count = kUmt5Sentinels);

// The same model as a ModelProto that sentencepiece can load. Of the normalizer only the charsmap
// goes into it; added tokens are pieces of the control and user-defined kinds.
std::string write_model_proto(const UnigramModel& model);

}  // namespace reel::tokenizer
