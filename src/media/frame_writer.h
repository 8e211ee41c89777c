// SPDX-License-Identifier: Apache-2.0
// Frames -> a file, one at a time, encoded while the next ones are made.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/stop.h"
#include "base/thread_worker.h"
#include "media/frame.h"

namespace reel::media {

struct FrameRate {
  int numerator = 16;
  int denominator = 1;  // 30000/1001 is 29.97 frames per second
};

// The exact rate meant by a number: 16 is 16/1, 23.976 and 29.97 are 24000/1001 and 30000/1001.
// Throws kInvalidArgument outside 0.1 to 1000.
FrameRate to_frame_rate(double frames_per_second);

struct WriterOptions {
  int width_px = 0;
  int height_px = 0;
  FrameRate frame_rate;
  int quality = 18;  // x264's CRF scale: 0 is best, 51 worst; other encoders use what comes nearest
  std::vector<std::string>
      encoders;  // FFmpeg names to try, in order; empty: kEncoders (mp4_encoders.h)
};

// One output while it is being written, under a temporary name. Destroyed without finish() it
// leaves nothing behind. All calls come from one thread.
class FrameFile {
 public:
  virtual ~FrameFile() = default;
  virtual void add(const FrameView& frame) = 0;
  // Completes the file and gives it its name. `comment` may be empty, `stop` null.
  virtual void finish(const std::string& comment, const StopFlag* stop) = 0;
};

// Takes frames on the caller's thread and encodes them on its own. Holds at most kMostHeld frames,
// never the clip. Without finish() nothing is left behind.
//
// Throws: kInvalidArgument for a frame of another size; kIo when the disk is full or the output
// cannot be written; kUnsupported when no encoder can be opened. An error of the encoding thread
// is thrown by the next call.
class FrameWriter {
 public:
  static constexpr size_t kMostHeld = 4;

  FrameWriter(std::unique_ptr<FrameFile> file, const WriterOptions& options);

  // Copies `frame`; waits while too many frames are held.
  void add(const FrameView& frame);

  // Waits for the encoder, then completes the file. At least one frame must have been added.
  // `comment` is stored in the file where its format can (MP4: the "comment" tag; PNG and Y4M
  // have no place for it). It may name digest_hex(). The encoder still has up to 40 frames to
  // write; throws kCancelled when `stop` is requested meanwhile.
  void finish(const std::string& comment = {}, const StopFlag* stop = nullptr);

  int64_t frames_added() const { return frames_added_; }
  // XXH3-128 of the RGB bytes of all frames so far.
  std::string digest_hex() const { return digest_.hex(); }

 private:
  const int width_px_;
  const int height_px_;
  Digest digest_;
  int64_t frames_added_ = 0;
  std::array<Frame, kMostHeld> held_;  // used in turn
  std::unique_ptr<FrameFile> file_;
  ThreadWorker worker_;  // last: ends before what it works on
};

// Chooses the format by the name:
//   clip.mp4 clip.m4v   H.264 (mp4_writer.h)
//   clip.y4m            raw (y4m_writer.h)
//   shot.png            shot-0001.png, shot-0002.png, ... (png_writer.h)
//   folder, folder/     folder/frame-0001.png, ...; also when a folder has one of the names above
// Creates the temporary file and opens the encoder, so that what cannot work fails before the
// first frame. Throws kUnsupported for another name.
std::unique_ptr<FrameWriter> make_frame_writer(const std::filesystem::path& path,
                                               const WriterOptions& options);

}  // namespace reel::media
