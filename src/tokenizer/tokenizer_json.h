// SPDX-License-Identifier: Apache-2.0
// Hugging Face's tokenizer.json and tokenizer_config.json.
#pragma once

#include <string_view>

#include "tokenizer/unigram_model.h"

namespace reel::tokenizer {

// Reads a tokenizer.json with a Unigram model. Its truncation and padding are left out: the caller
// of the encoder decides them.
//
// Understood are the normalizers Precompiled, Sequence, Replace (plain text, and the expression
// " {2,}"), Strip, Prepend, NFC, NFD, NFKC, NFKD; the pre-tokenizers Metaspace, WhitespaceSplit and
// a Sequence of those two; a post-processor that appends one token.
//
// Throws kBadFile when the text is not JSON, lacks a field or fails check_model; kUnsupported,
// naming the part, for anything else that a tokenizer.json may hold.
//
// Source: huggingface/tokenizers 0.23, the Deserialize implementations of the named parts.
UnigramModel read_tokenizer_json(std::string_view text);

// Takes over the added tokens of a tokenizer_config.json ("added_tokens_decoder"): they replace
// those of the same text, since AutoTokenizer lets them win. Throws kBadFile.
void apply_tokenizer_config(UnigramModel& model, std::string_view text);

}  // namespace reel::tokenizer
