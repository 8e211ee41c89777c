// SPDX-License-Identifier: Apache-2.0
// The flags of every command as data, for completions and the man page.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace reel::cli {

struct FlagRow {
  std::vector<std::string> names;  // "-v", "--verbose"; "CLIP" for a positional
  std::string value;               // "TEXT", "INT", or empty for a switch
  std::string help;
};

// Has the command declare its flags without running it.
std::vector<FlagRow> flags_of(const Command& command);

// While a table is collected, Flags::parse() fills it and ends the command.
std::vector<FlagRow>* collecting_table();

}  // namespace reel::cli
