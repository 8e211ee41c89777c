// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt_text.h"

#include <iostream>
#include <iterator>

#include "base/file.h"

namespace reel::cli {

std::string read_prompt(const std::string& path) {
  constexpr uint64_t kLongestPromptFile = uint64_t{1} << 20;
  if (path != "-") return read_text_file(path, kLongestPromptFile);
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

}  // namespace reel::cli
