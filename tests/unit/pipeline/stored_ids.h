// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "pipeline/tokenizer_source.h"
#include "tokenizer/tokenizer.h"

namespace reel::test {

// What the checkpoint's tokenizer makes of a sentence with something of everything.
inline std::vector<int32_t> ids_of(const checkpoint::Checkpoint& files) {
  const tokenizer::Tokenizer tokens(pipeline::read_tokenizer_source(*files.tokenizer));
  return tokens.encode("Two cats: 42% zig-zag  moves!").ids;
}

}  // namespace reel::test
