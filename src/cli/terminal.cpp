// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace reel::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<bool>* stop_target = nullptr;

// The first signal asks the run to stop; a second one ends the program at once.
extern "C" void on_signal(int signal) {
  if (stop_target != nullptr && !stop_target->exchange(true)) return;
  ::_exit(128 + signal);
}

const char* stage_name(Stage stage) {
  switch (stage) {
    case Stage::kEncodeText: return "text";
    case Stage::kDenoise: return "denoise";
    case Stage::kDecode: return "decode";
  }
  return "";
}

const char* unit_name(Stage stage) {
  switch (stage) {
    case Stage::kEncodeText: return "layer";
    case Stage::kDenoise: return "step";
    case Stage::kDecode: return "frame";
  }
  return "";
}

void put(std::FILE* to, std::string_view text) { std::fwrite(text.data(), 1, text.size(), to); }

}  // namespace

std::string format_seconds(double seconds) {
  const long whole = std::lround(std::ceil(seconds));
  char text[32];
  if (whole < 60) {
    std::snprintf(text, sizeof text, "%ld s", whole);
  } else if (whole < 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld min", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld h", whole / 3600, whole / 60 % 60);
  }
  return text;
}

Terminal::Terminal() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void Terminal::answer(std::string_view text) {
  finish_progress();
  put(stdout, text);
  put(stdout, "\n");
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw Error(ErrorCode::kIo,
                std::string("Cannot write to standard output: ") + std::strerror(errno) + '.',
                "Send it somewhere else.");
  }
}

void Terminal::line(std::string_view prefix, std::string_view text) {
  finish_progress();
  put(stderr, prefix);
  put(stderr, text);
  put(stderr, "\n");
}

void Terminal::warning(std::string_view text) {
  if (!quiet) line("warning: ", text);
}

void Terminal::note(std::string_view text) {
  if (!quiet) line("", text);
}

void Terminal::error(const Error& error) {
  line("reel: ", error.what());
  if (!error.hint().empty()) line("  ", error.hint());
}

void Terminal::progress(const ProgressEvent& event) {
  if (quiet || event.total == 0) return;
  const bool new_stage = event.stage != last_stage_ || event.done < last_done_;
  const bool finished = event.done == event.total;
  // A pipe gets a line per step and per stage, a terminal ten redraws a second.
  const bool plain_due =
      finished || (event.stage == Stage::kDenoise && event.done != last_done_ && event.done > 0);
  const auto now = Clock::now();
  if (is_terminal_ ? !(new_stage || finished || now - last_drawn_ > std::chrono::milliseconds(100))
                   : !plain_due) {
    last_stage_ = event.stage;
    return;
  }
  if (new_stage) finish_progress();
  last_stage_ = event.stage;
  last_done_ = event.done;
  last_drawn_ = now;

  char text[160];
  const double percent = 100 * (event.done + event.part) / event.total;
  int length = std::snprintf(text, sizeof text, "%-8s %s %d/%d  %3.0f %%", stage_name(event.stage),
                             unit_name(event.stage), event.done, event.total, percent);
  if (finished) {
    length += std::snprintf(text + length, sizeof text - length, "  %.1f s", event.stage_seconds);
  } else if (event.remaining_seconds >= 0) {
    length += std::snprintf(text + length, sizeof text - length, "  %s left",
                            format_seconds(event.remaining_seconds).c_str());
  }
  if (is_terminal_) put(stderr, "\r\033[K");
  put(stderr, {text, static_cast<size_t>(length)});
  if (is_terminal_ && !finished) {
    line_open_ = true;
  } else {
    put(stderr, "\n");
    line_open_ = false;
  }
  std::fflush(stderr);
}

void Terminal::status(std::string_view text) {
  if (quiet || !is_terminal_) return;
  put(stderr, "\r\033[K");
  put(stderr, text);
  std::fflush(stderr);
  line_open_ = true;
}

void Terminal::milestone(std::string_view text, bool due) {
  if (is_terminal_) return status(text);
  if (due) note(text);
}

void Terminal::finish_progress() {
  if (line_open_) put(stderr, "\n");
  line_open_ = false;
}

ShownProgress::ShownProgress(Terminal& terminal) : terminal_(terminal) {
  stop_target = &stop_requested;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

ShownProgress::~ShownProgress() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  stop_target = nullptr;
}

}  // namespace reel::cli
