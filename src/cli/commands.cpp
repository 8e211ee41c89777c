// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "cli/command.h"

namespace reel::cli {

std::span<const Command* const> all_commands() {
  static constexpr std::array kCommands = {
      &kGenerateCommand, &kScoutCommand,  &kEncodeTextCommand,  &kDenoiseCommand, &kDecodeCommand,
      &kInspectCommand,  &kPlanCommand,   &kBenchCommand,       &kEvalCommand,    &kDoctorCommand,
      &kSynthCommand,    &kReplayCommand, &kServeCommand,       &kPullCommand,    &kModelsCommand,
      &kConvertCommand,  &kInferCommand,  &kCompletionsCommand, &kManCommand,
  };
  return kCommands;
}

}  // namespace reel::cli
