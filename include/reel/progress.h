// SPDX-License-Identifier: Apache-2.0
// How a caller watches a run and stops it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace reel {

enum class Stage { kEncodeText, kDenoise, kDecode };

struct ProgressEvent {
  Stage stage = Stage::kEncodeText;
  // Units of the stage: layers of the encoder, steps, frames. `part` (0 to 1) is how far the unit
  // after `done` has come.
  int done = 0;
  int total = 0;
  double part = 0;
  double stage_seconds = 0;
  // Of the whole run from here; negative while it cannot be told yet.
  double remaining_seconds = -1;
};

// A frame of the clip as it is made: rgb is [height_px, width_px, 3], rows without gaps, and holds
// until the call returns.
struct RgbFrame {
  const uint8_t* rgb = nullptr;
  int height_px = 0;
  int width_px = 0;
  int index = 0;  // 0 for the first
};

// A small picture of what the clip is going to look like, as far as a step tells: up to six frames
// in rows of three, in reading order.
struct Preview {
  int step = 0;  // 1 to steps
  int steps = 0;
  // [height_px, width_px, 3], rows without gaps; holds until the call returns.
  const uint8_t* rgb = nullptr;
  int height_px = 0;
  int width_px = 0;
};

// Derive from it to watch. Called on the thread that runs the request.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void on_event(const ProgressEvent&) {}
  virtual void on_frame(const RgbFrame&) {}
  // The run has a folder of its own from here on: load_job() and Engine::resume() take this name.
  virtual void on_job(std::string_view /*job_id*/) {}
  // After every denoising step; a file for it is written by then.
  virtual void on_preview(const Preview&) {}
  // It worked, but not as asked: one sentence.
  virtual void on_warning(std::string_view) {}
  // A decision worth knowing: one sentence.
  virtual void on_note(std::string_view) {}

  // Set it from any thread or a signal handler: the run throws kCancelled within half a second.
  std::atomic<bool> stop_requested{false};
};

}  // namespace reel
