// SPDX-License-Identifier: Apache-2.0
#include "formats/quoted.h"

namespace reel::formats {

std::string quoted(const std::filesystem::path& path) { return '"' + path.string() + '"'; }

std::string quoted_name(std::string_view name) {
  constexpr size_t kMostShown = 120;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char letter : name.substr(0, kMostShown)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte < 0x7f) {
      text += letter;
    } else {
      text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text + (name.size() > kMostShown ? "...\"" : "\"");
}

}  // namespace reel::formats
