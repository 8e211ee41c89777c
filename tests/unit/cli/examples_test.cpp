// SPDX-License-Identifier: Apache-2.0
#include "cli/examples.h"

#include <gtest/gtest.h>

#include <string>

#include "cli/command.h"

namespace reel::cli {
namespace {

TEST(Examples, EveryCommandHasSomeOfItsOwn) {
  for (const Command* command : all_commands()) {
    const std::string lines(examples_of(command->name));
    EXPECT_NE((lines + ' ').find(std::string("  reel ") + command->name + ' '), std::string::npos)
        << command->name << ":\n"
        << lines;
  }
}

TEST(Examples, AnUnknownCommandHasNone) { EXPECT_TRUE(examples_of("paint").empty()); }

}  // namespace
}  // namespace reel::cli
