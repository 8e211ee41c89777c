// SPDX-License-Identifier: Apache-2.0
// The program: picks a command and turns errors into a sentence and an exit code.
#include <reel/error.h>
#include <reel/version.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "cli/command.h"
#include "cli/exit_codes.h"

namespace reel::cli {
namespace {

std::string usage() {
  std::string text =
      "Reel turns a sentence into a short video.\n\n"
      "  reel generate --prompt \"a red ball bounces on a meadow\"\n\nCommands:\n";
  for (const Command* command : all_commands()) {
    char line[160];
    std::snprintf(line, sizeof line, "  %-12s %s\n", command->name, command->summary);
    text += line;
  }
  return text + "\nreel COMMAND --help tells a command's flags; reel --version, the version.";
}

int run(int argc, const char* const* argv, Terminal& terminal) {
  const std::string name = argc > 1 ? argv[1] : "--help";
  if (name == "--help" || name == "-h" || name == "help") {
    terminal.answer(usage());
    return kExitOk;
  }
  if (name == "--version") {
    terminal.answer(build_summary() + "\n" + build_features());
    return kExitOk;
  }
  for (const Command* command : all_commands()) {
    if (name == command->name) return command->run(argc - 1, argv + 1, terminal);
  }
  throw Error(ErrorCode::kInvalidArgument, "\"" + name + "\" is not a command of reel.",
              "reel --help lists them.");
}

// OpenMP reads this when its library is loaded, before main: idle compute threads must sleep, or
// they take the cores from ours. So the program starts itself once more with it set.
void make_openmp_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  ::execv("/proc/self/exe", argv);  // on failure it is only slower
}

}  // namespace
}  // namespace reel::cli

int main(int argc, char** argv) {
  using namespace reel::cli;
  make_openmp_threads_sleep(argv);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
  Terminal terminal;
  try {
    return run(argc, argv, terminal);
  } catch (const reel::Error& error) {
    terminal.error(error);
    return exit_code(error.code());
  } catch (const std::bad_alloc&) {
    terminal.error({reel::ErrorCode::kOutOfMemory, "The system has no memory left.",
                    "Use a smaller --size or fewer --frames."});
    return exit_code(reel::ErrorCode::kOutOfMemory);
  } catch (const std::exception& error) {
    terminal.error({reel::ErrorCode::kInternal, std::string("Internal error: ") + error.what(),
                    "This is a bug in Reel."});
    return exit_code(reel::ErrorCode::kInternal);
  }
}
