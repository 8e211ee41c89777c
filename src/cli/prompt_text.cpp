// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt_text.h"

#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/error.h"
#include "base/file.h"

namespace reel::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLongestPromptFile = uint64_t{1} << 20;

// Of what has no size beforehand.
std::string read_to_end(std::istream& stream, const std::string& name) {
  std::string text(kLongestPromptFile + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  REEL_REQUIRE(text.size() <= kLongestPromptFile, kBadFile,
               str_cat(name, " holds more than a MiB, which is no prompt."));
  return text;
}

}  // namespace

std::string read_prompt(const std::string& path) {
  if (path == "-") return read_to_end(std::cin, "Standard input");
  std::error_code ignored;
  const fs::file_type type = fs::status(path, ignored).type();
  if (type != fs::file_type::fifo && type != fs::file_type::character) {
    return read_text_file(path, kLongestPromptFile);
  }
  std::ifstream stream(path);
  return read_to_end(stream, path);
}

}  // namespace reel::cli
