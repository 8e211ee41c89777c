// SPDX-License-Identifier: Apache-2.0
// A hostile tokenizer.json is refused by an Error or works.
#include "tokenizer/tokenizer_json.h"

#include <reel/error.h>

#include "fuzz/tokenizer/encode_texts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reel::tokenizer;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    UnigramModel model = read_tokenizer_json(text);
    apply_tokenizer_config(model, text);
    encode_texts(std::move(model));
  } catch (const reel::Error&) {
  }
  return 0;
}
