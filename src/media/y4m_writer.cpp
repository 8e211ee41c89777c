// SPDX-License-Identifier: Apache-2.0
#include "media/y4m_writer.h"

#include "base/error.h"
#include "base/file.h"
#include "media/yuv_converter.h"

namespace reel::media {
namespace {

class Y4mFile : public FrameFile {
 public:
  Y4mFile(const std::filesystem::path& path, const WriterOptions& options)
      : output_(path), converter_(options.width_px, options.height_px, Chroma::k444) {
    output_.write(str_cat("YUV4MPEG2 W", options.width_px, " H", options.height_px, " F",
                          options.frame_rate.numerator, ':', options.frame_rate.denominator,
                          " Ip A1:1 C444 XCOLORRANGE=LIMITED\n"));
  }

  void add(const FrameView& frame) override {
    const YuvFrame& yuv = converter_.convert(frame);
    output_.write("FRAME\n");
    for (const YuvFrame::Plane& plane : yuv.planes) {
      output_.write(std::as_bytes(std::span(plane.pixels)));
    }
  }

  void finish(const std::string& /*comment*/, const StopFlag* /*stop*/) override {
    output_.commit();
  }

 private:
  OutputFile output_;
  YuvConverter converter_;
};

}  // namespace

std::unique_ptr<FrameFile> make_y4m_file(const std::filesystem::path& path,
                                         const WriterOptions& options) {
  return std::make_unique<Y4mFile>(path, options);
}

}  // namespace reel::media
