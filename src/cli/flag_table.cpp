// SPDX-License-Identifier: Apache-2.0
#include "cli/flag_table.h"

namespace reel::cli {
namespace {

std::vector<FlagRow>* current = nullptr;

}  // namespace

std::vector<FlagRow>* collecting_table() { return current; }

std::vector<FlagRow> flags_of(const Command& command) {
  std::vector<FlagRow> rows;
  Terminal terminal;
  current = &rows;
  command.run(1, &command.name, terminal);
  current = nullptr;
  return rows;
}

}  // namespace reel::cli
