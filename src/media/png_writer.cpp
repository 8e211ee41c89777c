// SPDX-License-Identifier: Apache-2.0
#include "media/png_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iomanip>
#include <memory>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/thread_worker.h"
#include "media/png_encoder.h"

namespace reel::media {
namespace {

[[noreturn]] void fail_write(const std::filesystem::path& path, const std::string& reason) {
  fail(ErrorCode::kIo, str_cat("Cannot write \"", path.string(), "\": ", reason, '.'),
       "Choose another folder with --out.");
}

// On the same file system as the frames' folder, so that renaming does not copy: inside it, or
// beside it while it does not exist.
std::filesystem::path make_temporary_folder(const std::filesystem::path& folder,
                                            const std::filesystem::path& path) {
  if (std::filesystem::is_regular_file(folder)) fail_write(path, std::strerror(ENOTDIR));
  std::string name = folder.string();
  name += std::filesystem::is_directory(folder) ? "/.frames.part-XXXXXX" : ".part-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) fail_write(path, std::strerror(errno));
  return name;
}

// Compressing a frame takes several times as long as a GPU takes to decode it. More threads than
// this would be faster than any disk.
constexpr int kMostEncoders = 8;

// A thread that compresses and writes one frame while its caller goes on.
struct PngThread {
  Frame frame;
  ThreadWorker worker{0};  // last: ends before what it works on
};

class PngFiles : public FrameFile {
 public:
  explicit PngFiles(const std::filesystem::path& path)
      : path_(path),
        folder_(std::filesystem::absolute(path).lexically_normal().parent_path()),
        temporary_(make_temporary_folder(folder_, path)),
        encoders_(static_cast<size_t>(std::clamp(usable_cores(), 1, kMostEncoders))) {}

  ~PngFiles() override {
    encoders_.clear();
    std::error_code ignored;
    std::filesystem::remove_all(temporary_, ignored);
  }
  PngFiles(const PngFiles&) = delete;
  PngFiles& operator=(const PngFiles&) = delete;

  // Frames go round the threads. One that is still busy is waited for, so no more frames are held
  // than there are threads.
  void add(const FrameView& frame) override {
    PngThread& encoder = encoders_[static_cast<size_t>(frames_) % encoders_.size()];
    encoder.worker.wait();
    encoder.frame.height_px = frame.height_px;
    encoder.frame.width_px = frame.width_px;
    encoder.frame.rgb.assign(frame.rgb.begin(), frame.rgb.end());
    encoder.worker.submit([&encoder, path = temporary_ / name_of(++frames_)] {
      OutputFile file(path);
      file.write(encode_png(encoder.frame.view()));
      file.commit();
    });
  }

  void finish(const std::string& /*comment*/, const StopFlag* /*stop*/) override {
    for (PngThread& encoder : encoders_) encoder.worker.wait();
    try {
      std::filesystem::create_directory(folder_);
      for (int number = 1; number <= frames_; ++number) {
        std::filesystem::rename(temporary_ / name_of(number), folder_ / name_of(number));
      }
      std::filesystem::remove(temporary_);
    } catch (const std::filesystem::filesystem_error& error) {
      fail_write(path_, error.code().message());
    }
  }

 private:
  std::string name_of(int number) const {
    std::ostringstream name;
    name << path_.stem().string() << '-' << std::setw(4) << std::setfill('0') << number << ".png";
    return name.str();
  }

  const std::filesystem::path path_;
  const std::filesystem::path folder_;
  const std::filesystem::path temporary_;
  int frames_ = 0;
  std::deque<PngThread> encoders_;
};

}  // namespace

std::unique_ptr<FrameFile> make_png_files(const std::filesystem::path& path) {
  return std::make_unique<PngFiles>(path);
}

}  // namespace reel::media
