// SPDX-License-Identifier: Apache-2.0
// Checkpoints with the true headers of the 14B over files that take no space.
#pragma once

#include <reel/synth.h>

#include <filesystem>
#include <map>
#include <string>

#include "support/temp_folder.h"

namespace reel::test {

// Written once per layout.
inline std::filesystem::path checkpoint_14b(const std::string& layout) {
  static const TempFolder folder;
  static std::map<std::string, std::filesystem::path> written;
  auto [found, is_new] = written.try_emplace(layout, folder / std::to_string(written.size()));
  if (is_new) {
    synthesize(
        {.layout = layout, .preset = "wan2.1-t2v-14b", .out = found->second, .sparse = true});
  }
  return found->second;
}

}  // namespace reel::test
