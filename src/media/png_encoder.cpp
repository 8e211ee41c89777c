// SPDX-License-Identifier: Apache-2.0
#include "media/png_encoder.h"

#include <png.h>

#include "base/error.h"

namespace reel::media {
namespace {

// libpng's simplified interface: it reports errors without longjmp.
png_image make_image() {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  return image;
}

}  // namespace

std::vector<std::byte> encode_png(const FrameView& frame) {
  REEL_REQUIRE(frame.width_px > 0 && frame.height_px > 0 &&
                   frame.rgb.size() == size_t{3} * frame.width_px * frame.height_px,
               kInvalidArgument,
               str_cat("A frame of ", frame.width_px, 'x', frame.height_px, " has ",
                       frame.rgb.size(), " bytes, must have 3 per pixel."));
  png_image image = make_image();
  image.width = static_cast<png_uint_32>(frame.width_px);
  image.height = static_cast<png_uint_32>(frame.height_px);
  image.format = PNG_FORMAT_RGB;
  image.flags = PNG_IMAGE_FLAG_FAST;
  png_alloc_size_t size_bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> file(size_bytes);
  const int is_written =
      png_image_write_to_memory(&image, file.data(), &size_bytes, 0, frame.rgb.data(), 0, nullptr);
  REEL_REQUIRE(is_written != 0, kInternal,
               str_cat("libpng cannot encode ", frame.width_px, 'x', frame.height_px, ": ",
                       image.message, '.'));
  file.resize(size_bytes);
  return file;
}

Frame decode_png(std::span<const std::byte> file) {
  png_image image = make_image();
  int is_read = png_image_begin_read_from_memory(&image, file.data(), file.size());
  Frame frame;
  if (is_read != 0) {
    image.format = PNG_FORMAT_RGB;
    frame = Frame(static_cast<int>(image.height), static_cast<int>(image.width));
    const png_color black{};
    is_read = png_image_finish_read(&image, &black, frame.rgb.data(), 0, nullptr);
  }
  const std::string message = image.message;
  png_image_free(&image);
  REEL_REQUIRE(is_read != 0, kBadFile, str_cat("Not a complete PNG file: ", message, '.'),
               "Make the file again.");
  return frame;
}

}  // namespace reel::media
