// SPDX-License-Identifier: Apache-2.0
// One subcommand of the program.
#pragma once

#include <span>

#include "cli/terminal.h"

namespace reel::cli {

struct Command {
  const char* name;
  const char* summary;
  // argv[0] is the command's name. Returns the exit code; throws reel::Error.
  int (*run)(int argc, const char* const* argv, Terminal& terminal);
};

extern const Command kGenerateCommand;
extern const Command kScoutCommand;
extern const Command kInferCommand;
extern const Command kEncodeTextCommand;
extern const Command kDenoiseCommand;
extern const Command kDecodeCommand;
extern const Command kInspectCommand;
extern const Command kPlanCommand;
extern const Command kSynthCommand;
extern const Command kBenchCommand;
extern const Command kEvalCommand;
extern const Command kDoctorCommand;
extern const Command kReplayCommand;
extern const Command kServeCommand;
extern const Command kPullCommand;
extern const Command kModelsCommand;
extern const Command kConvertCommand;
extern const Command kCompletionsCommand;
extern const Command kManCommand;

// In the order of reel --help.
std::span<const Command* const> all_commands();

}  // namespace reel::cli
