// SPDX-License-Identifier: Apache-2.0
// What the user sees: the answer on stdout, everything else on stderr.
#pragma once

#include <reel/error.h>
#include <reel/progress.h>

#include <chrono>
#include <string>
#include <string_view>

namespace reel::cli {

// Writes progress as one line that is redrawn on a terminal, and as plain lines otherwise.
class Terminal {
 public:
  Terminal();

  bool quiet = false;
  int verbosity = 0;  // 1: the library's line per stage, 2: its whole log

  // The answer: a path, a table, JSON.
  void answer(std::string_view text);
  // "warning: ..." and plain remarks, one line each.
  void warning(std::string_view text);
  void note(std::string_view text);
  void error(const Error& error);
  void progress(const ProgressEvent& event);
  // A line that the next one replaces; nothing when stderr is not a terminal.
  void status(std::string_view text);
  // The same; where stderr is not a terminal, a line of its own when that is `due`.
  void milestone(std::string_view text, bool due);
  // Ends a progress line, so that what follows starts on a line of its own.
  void finish_progress();

 private:
  void line(std::string_view prefix, std::string_view text);

  bool is_terminal_;
  bool line_open_ = false;
  Stage last_stage_ = Stage::kDecode;
  int last_done_ = -1;
  std::chrono::steady_clock::time_point last_drawn_{};
};

// The progress of a command: shown on a terminal, stopped by Ctrl-C and SIGTERM. One at a time.
class ShownProgress : public Progress {
 public:
  explicit ShownProgress(Terminal& terminal);
  ~ShownProgress() override;
  void on_event(const ProgressEvent& event) override { terminal_.progress(event); }
  void on_warning(std::string_view text) override { terminal_.warning(text); }
  void on_note(std::string_view text) override { terminal_.note(text); }

 private:
  Terminal& terminal_;
};

// "1:05", "12 s"
std::string format_seconds(double seconds);

}  // namespace reel::cli
