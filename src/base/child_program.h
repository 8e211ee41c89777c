// SPDX-License-Identifier: Apache-2.0
// Another program as a child: fed on its standard input, its errors kept.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/stop.h"

namespace reel {

// The file of that name in the folders of PATH that may be run.
std::optional<std::filesystem::path> find_program(const std::string& name);

// Its standard output is dropped. In a process group of its own, so that Ctrl-C reaches the caller
// alone, which ends the child. Not copyable.
class ChildProgram {
 public:
  // words[0] is the program's path. Throws kIo when it cannot be started.
  explicit ChildProgram(const std::vector<std::string>& words);
  // Kills a child that still runs.
  ~ChildProgram();
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  // Waits while the child is busy. False once it reads no more: it ended, closed its input, or took
  // nothing for `kPatienceSeconds`.
  bool write(std::span<const std::byte> bytes);
  bool write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  // Ends its input and waits for its end: the exit status, or 128 and the signal that ended it.
  // Throws kCancelled when `stop`, which may be null, is requested meanwhile.
  int finish(const StopFlag* stop);
  // The same, but empty when it still runs after that long.
  std::optional<int> finish_within(std::chrono::milliseconds limit);

  // The last line of its standard error, at most a few hundred bytes, without a prefix in
  // brackets. Lines that begin with one of `passed_over` count only where there is no other.
  std::string last_error_line(std::span<const std::string> passed_over = {}) const;

  static constexpr int kPatienceSeconds = 60;

 private:
  void close_input();
  std::optional<int> status_if_ended();
  std::string error_text() const;

  pid_t pid_ = -1;
  int input_ = -1;
  int errors_ = -1;
};

}  // namespace reel
