// SPDX-License-Identifier: Apache-2.0
// Every prompt is cleaned to UTF-8 without stray white space, or refused by an Error.
#include "tokenizer/prompt_cleaning.h"

#include <reel/error.h>

#include <cstdint>
#include <cstdlib>

#include "tokenizer/unicode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reel::tokenizer;
  try {
    const std::string cleaned = clean_prompt({reinterpret_cast<const char*>(data), size});
    const bool has_stray_space = cleaned.starts_with(' ') || cleaned.ends_with(' ') ||
                                 cleaned.find("  ") != std::string::npos;
    if (!is_utf8(cleaned) || has_stray_space) std::abort();
  } catch (const reel::Error&) {
  }
  return 0;
}
