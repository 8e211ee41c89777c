// SPDX-License-Identifier: Apache-2.0
#include "media/png_writer.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iomanip>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
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

class PngFiles : public FrameFile {
 public:
  explicit PngFiles(const std::filesystem::path& path)
      : path_(path),
        folder_(std::filesystem::absolute(path).lexically_normal().parent_path()),
        temporary_(make_temporary_folder(folder_, path)) {}

  ~PngFiles() override {
    std::error_code ignored;
    std::filesystem::remove_all(temporary_, ignored);
  }
  PngFiles(const PngFiles&) = delete;
  PngFiles& operator=(const PngFiles&) = delete;

  void add(const FrameView& frame) override {
    const std::vector<std::byte> png = encode_png(frame);
    std::ostringstream name;
    name << path_.stem().string() << '-' << std::setw(4) << std::setfill('0') << ++frames_
         << ".png";
    OutputFile file(temporary_ / name.str());
    file.write(png);
    file.commit();
  }

  void finish(const std::string& /*comment*/, const StopFlag* /*stop*/) override {
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
};

}  // namespace

std::unique_ptr<FrameFile> make_png_files(const std::filesystem::path& path) {
  return std::make_unique<PngFiles>(path);
}

}  // namespace reel::media
