// SPDX-License-Identifier: Apache-2.0
// Sends a few texts through a model of unknown quality.
#pragma once

#include <cstdlib>
#include <utility>

#include "tokenizer/tokenizer.h"

namespace reel::tokenizer {

// Throws only reel::Error; aborts when the ids break the promise of TokenIds.
inline void encode_texts(UnigramModel model) {
  const Tokenizer tokenizer(std::move(model));
  for (const char* text :
       {"", " a  cat ", "e\u0302\u0301 \uFF21\u00BD \uFF76\uFF9E", "</s><extra_id_0> x",
        "\U0001F431\u200D\U0001F680 \u732B", "<0x41>!!!!!!!\r\n"}) {
    const TokenIds tokens = tokenizer.encode(text, 16);
    const bool is_whole =
        tokens.ids.size() == 16 && tokens.token_count >= 1 && tokens.token_count <= 16 &&
        tokens.ids[static_cast<size_t>(tokens.token_count) - 1] == tokenizer.model().end_id;
    if (!is_whole) std::abort();
  }
}

}  // namespace reel::tokenizer
