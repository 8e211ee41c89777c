// SPDX-License-Identifier: Apache-2.0
// A hostile spiece.model is refused by an Error or works.
#include "tokenizer/model_proto.h"

#include <reel/error.h>

#include "fuzz/tokenizer/encode_texts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reel::tokenizer;
  try {
    const UnigramModel model = read_model_proto({reinterpret_cast<const char*>(data), size}, 2);
    read_model_proto(write_model_proto(model), 2);
    encode_texts(model);
  } catch (const reel::Error&) {
  }
  return 0;
}
