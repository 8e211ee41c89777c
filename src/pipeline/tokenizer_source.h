// SPDX-License-Identifier: Apache-2.0
// Reads the tokenizer out of whatever holds it.
#pragma once

#include <string>

#include "checkpoint/checkpoint.h"
#include "tokenizer/unigram_model.h"

namespace reel::pipeline {

// Throws kBadFile, naming the file, when it is damaged.
tokenizer::UnigramModel read_tokenizer_source(const checkpoint::TokenizerSource& source);
// The same as a serialised ModelProto: the file's own bytes where they are one. Throws likewise.
std::string read_tokenizer_proto(const checkpoint::TokenizerSource& source);

}  // namespace reel::pipeline
