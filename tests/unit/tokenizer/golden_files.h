// SPDX-License-Identifier: Apache-2.0
// What tools/reference/tokenizer_goldens.py has written.
#pragma once

#include <string>
#include <string_view>

#include "base/file.h"
#include "support/places.h"

namespace reel::tokenizer {

inline constexpr int kGoldenSentinels = 20;

inline std::string read_golden(std::string_view name) {
  return read_text_file(test::data_folder() / "tokenizer" / name, 4 << 20);
}

}  // namespace reel::tokenizer
