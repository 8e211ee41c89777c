// SPDX-License-Identifier: Apache-2.0
#include "decoded_clip.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "media/ffmpeg/ffmpeg_handles.h"

namespace reel::media {
namespace {

std::string name_or_none(const char* name) { return name == nullptr ? "none" : name; }

uint8_t level(double value) {
  return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

Frame to_rgb(const AVFrame& yuv) {
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(yuv.format));
  Frame out(yuv.height, yuv.width);
  for (int row = 0; row < yuv.height; ++row) {
    for (int col = 0; col < yuv.width; ++col) {
      const auto sample = [&](int plane, int down, int right) {
        return static_cast<double>(
            yuv.data[plane][(row >> down) * yuv.linesize[plane] + (col >> right)]);
      };
      const double y = (sample(0, 0, 0) - 16) / 219;
      const double cb = (sample(1, format->log2_chroma_h, format->log2_chroma_w) - 128) / 224;
      const double cr = (sample(2, format->log2_chroma_h, format->log2_chroma_w) - 128) / 224;
      const double red = y + 1.5748 * cr;
      const double blue = y + 1.8556 * cb;
      const double green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152;
      uint8_t* rgb = &out.rgb[(static_cast<size_t>(row) * yuv.width + col) * 3];
      rgb[0] = level(255 * red);
      rgb[1] = level(255 * green);
      rgb[2] = level(255 * blue);
    }
  }
  return out;
}

void receive(AVCodecContext* codec, DecodedClip& clip) {
  const FrameHandle frame(av_frame_alloc());
  while (avcodec_receive_frame(codec, frame.get()) >= 0) clip.frames.push_back(to_rgb(*frame));
}

}  // namespace

DecodedClip decode_clip(const std::filesystem::path& path) {
  AVFormatContext* file = nullptr;
  if (avformat_open_input(&file, path.c_str(), nullptr, nullptr) < 0 ||
      avformat_find_stream_info(file, nullptr) < 0) {
    throw std::runtime_error("cannot open " + path.string());
  }
  const AVStream* stream = file->streams[0];
  const AVCodecParameters* how = stream->codecpar;
  DecodedClip clip;
  clip.codec = avcodec_get_name(how->codec_id);
  clip.pixel_format = name_or_none(av_get_pix_fmt_name(static_cast<AVPixelFormat>(how->format)));
  clip.color_range = name_or_none(av_color_range_name(how->color_range));
  clip.color_space = name_or_none(av_color_space_name(how->color_space));
  clip.color_primaries = name_or_none(av_color_primaries_name(how->color_primaries));
  clip.color_transfer = name_or_none(av_color_transfer_name(how->color_trc));
  clip.chroma_location = name_or_none(av_chroma_location_name(how->chroma_location));
  clip.frame_rate =
      std::to_string(stream->avg_frame_rate.num) + "/" + std::to_string(stream->avg_frame_rate.den);
  clip.duration_s = static_cast<double>(file->duration) / AV_TIME_BASE;
  const CodecHandle codec(avcodec_alloc_context3(avcodec_find_decoder(how->codec_id)));
  avcodec_parameters_to_context(codec.get(), how);
  if (avcodec_open2(codec.get(), nullptr, nullptr) < 0) throw std::runtime_error("no decoder");
  const PacketHandle packet(av_packet_alloc());
  while (av_read_frame(file, packet.get()) >= 0) {
    avcodec_send_packet(codec.get(), packet.get());
    receive(codec.get(), clip);
    av_packet_unref(packet.get());
  }
  avcodec_send_packet(codec.get(), nullptr);
  receive(codec.get(), clip);
  avformat_close_input(&file);
  return clip;
}

Frame gradient_frame(int height_px, int width_px, int index) {
  Frame frame(height_px, width_px);
  for (int row = 0; row < height_px; ++row) {
    for (int col = 0; col < width_px; ++col) {
      uint8_t* rgb = &frame.rgb[(static_cast<size_t>(row) * width_px + col) * 3];
      rgb[0] = level(127.5 + 120 * std::sin(0.02 * (col + 3 * index)));
      rgb[1] = level(127.5 + 120 * std::sin(0.03 * (row + 2 * index)));
      rgb[2] = level(127.5 + 120 * std::cos(0.015 * (row + col)));
    }
  }
  return frame;
}

double psnr_db(const Frame& a, const Frame& b) {
  double sum = 0;
  for (size_t index = 0; index < a.rgb.size(); ++index) {
    const double gap = a.rgb[index] - b.rgb[index];
    sum += gap * gap;
  }
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.rgb.size()) / std::max(sum, 1e-9));
}

}  // namespace reel::media
