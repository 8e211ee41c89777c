// SPDX-License-Identifier: Apache-2.0
// Runs the real program as a child: in a folder and with a state of its own, under a time limit.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace reel::test {

// Whether this build has a sanitizer with limits, and a library to be loaded first, of its own.
#if defined(__has_feature)
inline constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

// The program that was built with this test.
std::filesystem::path built_program();

struct Command {
  std::vector<std::string> args;  // of reel
  std::filesystem::path program = built_program();
  std::string path;  // PATH, when it is another
  std::map<std::string, std::string> environment;
  std::vector<std::string> started_by;  // "unshare", "-r": a program that starts reel
  std::filesystem::path folder;         // the current folder; the job state goes to its "state"
  std::string input;                    // on standard input
  std::string stdout_to;                // a file or device instead of Outcome::out
  uint64_t most_file_bytes = 0;         // RLIMIT_FSIZE; 0: no limit
  uint64_t most_memory_bytes = 0;       // RLIMIT_AS; sanitizers have a limit of their own
};

struct Outcome {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;
  bool timed_out = false;
  std::string out, err;

  // What is on stderr besides progress, warnings and remarks: the error and its hint.
  std::vector<std::string> error_lines() const;
};

class Child {
 public:
  explicit Child(const Command& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // What it has written to stderr so far.
  std::string err() const;
  bool is_running();
  // False when it ended, or the time was over, before `words` were on its stderr.
  bool wait_for(const std::string& words, std::chrono::milliseconds limit);
  void send(int signal);
  Outcome wait(std::chrono::milliseconds limit);

 private:
  [[noreturn]] void become(const Command& command) const;

  TempFolder streams_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

// Start, wait, answer.
Outcome run_program(const Command& command);

std::string read_all(const std::filesystem::path& path);

}  // namespace reel::test
