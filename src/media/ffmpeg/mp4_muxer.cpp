// SPDX-License-Identifier: Apache-2.0
#include "media/ffmpeg/mp4_muxer.h"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "media/ffmpeg/ffmpeg_handles.h"
#include "media/mp4_encoders.h"
#include "media/yuv_converter.h"

namespace reel::media {
namespace {

// Owns the output's muxer and the file under it.
struct MuxerDeleter {
  void operator()(AVFormatContext* muxer) const {
    avio_closep(&muxer->pb);
    avformat_free_context(muxer);
  }
};
using MuxerHandle = std::unique_ptr<AVFormatContext, MuxerDeleter>;

AVPixelFormat pixel_format(Chroma chroma) {
  return chroma == Chroma::k420 ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUV444P;
}

void set_colours(AVFrame& frame) {
  frame.color_range = AVCOL_RANGE_MPEG;
  frame.colorspace = AVCOL_SPC_BT709;
  frame.color_primaries = AVCOL_PRI_BT709;
  frame.color_trc = AVCOL_TRC_BT709;
  frame.chroma_location = AVCHROMA_LOC_LEFT;
}

FrameHandle make_frame(const AVCodecContext& codec) {
  FrameHandle frame(av_frame_alloc());
  REEL_REQUIRE(frame != nullptr, kOutOfMemory, "No memory for a frame.");
  frame->width = codec.width;
  frame->height = codec.height;
  frame->format = codec.pix_fmt;
  set_colours(*frame);
  const int result = av_frame_get_buffer(frame.get(), 0);
  REEL_REQUIRE(result != AVERROR(EINVAL), kUnsupported,
               str_cat("FFmpeg cannot hold frames of ", codec.width, 'x', codec.height, '.'),
               "Choose a smaller --size, or write PNG frames.");
  REEL_REQUIRE(result >= 0, kOutOfMemory, "No memory for a frame.");
  return frame;
}

// FFmpeg's rows have gaps between them.
void copy_planes(const YuvFrame& from, AVFrame& to) {
  for (size_t index = 0; index < from.planes.size(); ++index) {
    const YuvFrame::Plane& plane = from.planes[index];
    for (int row = 0; row < plane.height_px; ++row) {
      std::copy_n(plane.pixels.data() + int64_t{row} * plane.width_px, plane.width_px,
                  to.data[index] + int64_t{row} * to.linesize[index]);
    }
  }
}

CodecHandle make_codec(const AVCodec* encoder, const WriterOptions& options) {
  CodecHandle codec(avcodec_alloc_context3(encoder));
  REEL_REQUIRE(codec != nullptr, kOutOfMemory, "No memory for an encoder.");
  codec->width = options.width_px;
  codec->height = options.height_px;
  codec->pix_fmt = pixel_format(chroma_for(options.width_px, options.height_px));
  codec->time_base = {options.frame_rate.denominator, options.frame_rate.numerator};
  codec->framerate = {options.frame_rate.numerator, options.frame_rate.denominator};
  codec->color_range = AVCOL_RANGE_MPEG;
  codec->colorspace = AVCOL_SPC_BT709;
  codec->color_primaries = AVCOL_PRI_BT709;
  codec->color_trc = AVCOL_TRC_BT709;
  codec->chroma_sample_location = AVCHROMA_LOC_LEFT;
  codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  codec->thread_count = kEncoderThreads;
  for (const auto& [name, value] : quality_settings(encoder->name, options.quality)) {
    av_opt_set(codec.get(), name.c_str(), value.c_str(), AV_OPT_SEARCH_CHILDREN);
  }
  return codec;
}

// The first encoder that opens.
CodecHandle open_encoder(const WriterOptions& options) {
  std::string tried;
  for (const std::string& name : encoders_to_try(options)) {
    if (!tried.empty()) tried += ", ";
    const AVCodec* encoder = avcodec_find_encoder_by_name(name.c_str());
    if (encoder == nullptr) {
      tried += name + " (not in this FFmpeg)";
      continue;
    }
    CodecHandle codec = make_codec(encoder, options);
    const int result = avcodec_open2(codec.get(), encoder, nullptr);
    if (result >= 0) {
      log_debug(str_cat("media: encoder ", name, tried.empty() ? "" : "; passed over: ", tried));
      return codec;
    }
    tried += str_cat(name, " (", ffmpeg_error_text(result), ')');
  }
  fail_without_encoder(options, tried);
}

class MuxedFile : public FrameFile {
 public:
  MuxedFile(const std::filesystem::path& path, const WriterOptions& options)
      : path_(path),
        output_(path),
        codec_(open_encoder(options)),
        converter_(options.width_px, options.height_px,
                   chroma_for(options.width_px, options.height_px)),
        frame_(make_frame(*codec_)),
        packet_(av_packet_alloc()) {
    REEL_REQUIRE(packet_ != nullptr, kOutOfMemory, "No memory for a packet.");
    open_muxer();
  }

  void add(const FrameView& frame) override {
    // The encoder may keep a reference to the last one.
    REEL_REQUIRE(av_frame_make_writable(frame_.get()) >= 0, kOutOfMemory, "No memory for a frame.");
    copy_planes(converter_.convert(frame), *frame_);
    frame_->pts = next_frame_++;
    encode(frame_.get(), nullptr);
  }

  void finish(const std::string& comment, const StopFlag* stop) override {
    encode(nullptr, stop);
    av_dict_set(&muxer_->metadata, "comment", comment.empty() ? nullptr : comment.c_str(), 0);
    check_write(av_write_trailer(muxer_.get()));
    check_write(avio_closep(&muxer_->pb));
    output_.commit();
  }

 private:
  void open_muxer() {
    AVFormatContext* muxer = nullptr;
    // With its protocol, since a path may contain a colon.
    const std::string url = "file:" + output_.temporary_path().string();
    avformat_alloc_output_context2(&muxer, nullptr, "mp4", url.c_str());
    REEL_REQUIRE(muxer != nullptr, kUnsupported, "This FFmpeg cannot write MP4 files.",
                 "Install another FFmpeg, or write clip.y4m or a folder of PNG frames.");
    muxer_.reset(muxer);
    muxer->flags |= AVFMT_FLAG_BITEXACT;
    stream_ = avformat_new_stream(muxer, nullptr);
    REEL_REQUIRE(stream_ != nullptr, kOutOfMemory, "No memory for a stream.");
    stream_->time_base = codec_->time_base;
    stream_->avg_frame_rate = codec_->framerate;
    avcodec_parameters_from_context(stream_->codecpar, codec_.get());
    check_write(avio_open(&muxer->pb, muxer->url, AVIO_FLAG_WRITE));
    AVDictionary* settings = nullptr;
    av_dict_set(&settings, "movflags", "+faststart", 0);
    av_dict_set_int(&settings, "movie_timescale",
                    movie_timescale({codec_->framerate.num, codec_->framerate.den}), 0);
    const int result = avformat_write_header(muxer, &settings);
    av_dict_free(&settings);
    check_write(result);
  }

  // A null frame ends the stream.
  void encode(AVFrame* frame, const StopFlag* stop) {
    check_encode(avcodec_send_frame(codec_.get(), frame));
    while (true) {
      if (stop != nullptr) stop->check();
      const int result = avcodec_receive_packet(codec_.get(), packet_.get());
      if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
      check_encode(result);
      packet_->stream_index = stream_->index;
      // One frame long, so that the last one is shown as long as the others.
      packet_->duration = 1;
      av_packet_rescale_ts(packet_.get(), codec_->time_base, stream_->time_base);
      check_write(av_interleaved_write_frame(muxer_.get(), packet_.get()));
      // FFmpeg reports a failed write of its buffer only here.
      check_write(muxer_->pb->error);
    }
  }

  void check_encode(int result) const {
    REEL_REQUIRE(result >= 0, kInternal,
                 str_cat(codec_->codec->name, " failed at frame ", next_frame_, ": ",
                         ffmpeg_error_text(result), '.'),
                 "Write clip.y4m or a folder of PNG frames instead.");
  }

  void check_write(int result) const {
    if (result >= 0) return;
    const bool is_full = result == AVERROR(ENOSPC) || result == AVERROR(EDQUOT);
    fail(ErrorCode::kIo,
         str_cat("Cannot write \"", path_.string(), "\": ", ffmpeg_error_text(result), '.'),
         is_full ? "Free some space, or choose another folder with --out."
                 : "Choose another folder with --out.");
  }

  const std::filesystem::path path_;
  OutputFile output_;
  CodecHandle codec_;
  YuvConverter converter_;
  FrameHandle frame_;
  PacketHandle packet_;
  MuxerHandle muxer_;
  AVStream* stream_ = nullptr;  // owned by muxer_
  int64_t next_frame_ = 0;
};

}  // namespace

std::unique_ptr<FrameFile> make_muxed_mp4_file(const std::filesystem::path& path,
                                               const WriterOptions& options) {
  redirect_ffmpeg_log();
  return std::make_unique<MuxedFile>(path, options);
}

}  // namespace reel::media
