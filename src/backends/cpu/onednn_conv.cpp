// SPDX-License-Identifier: Apache-2.0
// Convolution as one oneDNN 2-D convolution per tap in time, summed in f32. A strip of output rows
// is finished at a time, so its sums stay in the cache and frames are never copied.
#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/onednn_engine.h"
#include "backends/cpu/onednn_parts.h"
#include "base/parallel.h"
#include "core/buffer.h"

namespace reel::cpu::onednn {
namespace {

using dnnl::memory;

// bf16 convolutions are our own where there is a matrix unit.
bool on_amx(DType dtype) { return dtype == DType::kBF16 && usable_isa() >= Isa::kAmx; }

// Weights are packed in the order that a strip of this size wants; a strip that wants another one
// gets a copy of its own.
constexpr int64_t kPackedForRows = 16;
constexpr int64_t kPackedForCols = 64;

// oneDNN has no fast kernel for fewer output channels: the missing ones are computed as zeros.
constexpr int64_t kFewestChannels = 16;

struct TapConv {
  dnnl::convolution_forward::primitive_desc desc;
  dnnl::convolution_forward primitive;
};

struct Strip {
  int64_t rows, cols;    // of the output
  int64_t above, below;  // zero rows beyond the frame's edge
};

dnnl::convolution_forward::primitive_desc tap_desc(const ConvShape& shape, DType dtype,
                                                   const Strip& strip, bool adds,
                                                   const memory::desc& weight) {
  const int64_t half_rows = shape.kernel_rows / 2;
  const int64_t half_cols = shape.kernel_cols / 2;
  const int64_t in_rows = strip.rows + 2 * half_rows - strip.above - strip.below;
  const memory::desc x({1, shape.in_channels, in_rows, strip.cols}, data_type(dtype),
                       memory::format_tag::nhwc);
  const memory::desc y({1, shape.out_channels, strip.rows, strip.cols}, memory::data_type::f32,
                       memory::format_tag::nhwc);
  dnnl::post_ops post;
  if (adds) post.append_sum();
  dnnl::primitive_attr attr;
  attr.set_post_ops(post);
  const dnnl::convolution_forward::desc desc(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, x, weight, y, {1, 1},
      {strip.above, half_cols}, {strip.below, half_cols});
  return {desc, attr, engine()};
}

// The slow implementation that takes any order of weights.
bool is_reference(const dnnl::convolution_forward::primitive_desc& desc) {
  return std::strncmp(desc.impl_info_str(), "ref", 3) == 0;
}

memory::desc any_weight(const ConvShape& shape, DType dtype) {
  return {{shape.out_channels, shape.in_channels, shape.kernel_rows, shape.kernel_cols},
          data_type(dtype),
          memory::format_tag::any};
}

ConvShape with_enough_channels(ConvShape shape) {
  shape.out_channels = std::max(shape.out_channels, kFewestChannels);
  return shape;
}

const memory::desc& packed_desc(DType dtype, const ConvShape& shape) {
  static std::map<Key, memory::desc> cache;
  return cached(cache,
                {static_cast<int64_t>(dtype), shape.out_channels, shape.in_channels,
                 shape.kernel_rows, shape.kernel_cols},
                [&] {
                  const int64_t half = shape.kernel_rows / 2;
                  return tap_desc(shape, dtype, {kPackedForRows, kPackedForCols, half, half}, true,
                                  any_weight(shape, dtype))
                      .weights_desc();
                });
}

int64_t tap_bytes(DType dtype, const ConvShape& shape) {
  const auto bytes = static_cast<int64_t>(packed_desc(dtype, shape).get_size());
  return (bytes + 63) / 64 * 64;
}

// Copies of packed weights in the order that some strips want instead. pack_conv is the only way
// to fill weight memory, and drops what was kept for the same address before.
class ReorderedWeights {
 public:
  const void* find(const std::byte* packed, const memory::desc& from, const memory::desc& to) {
    if (from == to) return packed;
    std::vector<Copy>& copies = copies_[packed];
    for (const Copy& copy : copies) {
      if (copy.desc == to) return copy.data.data();
    }
    Copy& copy = copies.emplace_back(Copy{to, Buffer(to.get_size(), "weights")});
    memory source = wrap(from, packed);
    memory target = wrap(to, copy.data.data());
    dnnl::reorder(source, target).execute(stream(), source, target);
    stream().wait();
    return copy.data.data();
  }
  void forget(const std::byte* begin, const std::byte* end) {
    copies_.erase(copies_.lower_bound(begin), copies_.lower_bound(end));
  }

 private:
  struct Copy {
    memory::desc desc;
    Buffer data;
  };
  std::map<const std::byte*, std::vector<Copy>> copies_;
};

ReorderedWeights& reordered_weights() {
  static ReorderedWeights instance;
  return instance;
}

TapConv make_tap_conv(const ConvShape& shape, DType dtype, const Strip& strip, bool adds) {
  auto desc = tap_desc(shape, dtype, strip, adds, packed_desc(dtype, shape));
  if (is_reference(desc)) desc = tap_desc(shape, dtype, strip, adds, any_weight(shape, dtype));
  return {desc, dnnl::convolution_forward(desc)};
}

void run_tap(const ops::ConvArgs& args, const ConvShape& shape, const Strip& strip, int64_t tap,
             bool adds, float* sums) {
  static std::map<Key, TapConv> cache;
  const TapConv& conv = cached(
      cache,
      {static_cast<int64_t>(args.dtype), shape.out_channels, shape.in_channels, shape.kernel_rows,
       shape.kernel_cols, strip.rows, strip.cols, strip.above, strip.below, adds},
      [&] { return make_tap_conv(shape, args.dtype, strip, adds); });
  const int64_t first_row = args.row_begin - shape.kernel_rows / 2 + strip.above;
  const auto* frame = static_cast<const std::byte*>(args.frames[tap]);
  const auto* weight =
      static_cast<const std::byte*>(args.weight.data) + tap * tap_bytes(args.dtype, shape);
  const void* const ordered =
      reordered_weights().find(weight, packed_desc(args.dtype, shape), conv.desc.weights_desc());
  conv.primitive.execute(
      stream(), {{DNNL_ARG_SRC, wrap(conv.desc.src_desc(),
                                     frame + storage_bytes(args.dtype, first_row * args.cols *
                                                                           shape.in_channels))},
                 {DNNL_ARG_WEIGHTS, wrap(conv.desc.weights_desc(), ordered)},
                 {DNNL_ARG_DST, wrap(conv.desc.dst_desc(), sums)}});
  stream().wait();
}

}  // namespace

int64_t packed_conv_bytes(DType dtype, const ConvShape& shape) {
  if (on_amx(dtype)) return amx::packed_conv_bytes(shape);
  return shape.taps * tap_bytes(dtype, with_enough_channels(shape));
}

void pack_conv(const ops::PackConvArgs& args, Stream) {
  if (on_amx(args.dtype)) return amx::pack_conv(args);
  const ConvShape shape = with_enough_channels(args.shape);
  const int64_t window = shape.kernel_rows * shape.kernel_cols;
  const ConvOrder order = conv_order(args.shape, args.newest_first);
  auto* const to = static_cast<std::byte*>(args.to);
  reordered_weights().forget(to, to + packed_conv_bytes(args.dtype, args.shape));
  std::vector<float> tap_weights(
      static_cast<size_t>(shape.out_channels * shape.in_channels * window));
  const memory::desc plain(
      {shape.out_channels, shape.in_channels, shape.kernel_rows, shape.kernel_cols},
      memory::data_type::f32, memory::format_tag::oihw);
  for (int64_t tap = 0; tap < shape.taps; ++tap) {
    float* to_window = tap_weights.data();
    for (int64_t out = 0; out < args.shape.out_channels; ++out) {
      for (int64_t in = 0; in < shape.in_channels; ++in, to_window += window) {
        std::memcpy(to_window, args.from + order.at(out, in, tap),
                    static_cast<size_t>(window) * sizeof(float));
      }
    }
    memory source = wrap(plain, tap_weights.data());
    memory target = wrap(packed_desc(args.dtype, shape), to + tap * tap_bytes(args.dtype, shape));
    dnnl::reorder(source, target).execute(stream(), source, target);
    stream().wait();
  }
}

const char* which_conv(const ops::ConvArgs& args) { return on_amx(args.dtype) ? "AMX" : "oneDNN"; }

void conv(const ops::ConvArgs& args, Stream) {
  if (on_amx(args.dtype)) return amx::conv(args);
  const ConvShape shape = with_enough_channels(args.weight.shape);
  const int64_t channels = args.weight.shape.out_channels;
  const int64_t half_rows = shape.kernel_rows / 2;
  const Strip strip{.rows = args.row_end - args.row_begin,
                    .cols = args.cols,
                    .above = std::max<int64_t>(0, half_rows - args.row_begin),
                    .below = std::max<int64_t>(0, args.row_end + half_rows - args.rows)};
  const int64_t row_sums = args.cols * shape.out_channels;
  float* const sums = scratch_floats(1, strip.rows * row_sums);
  bool adds = false;
  for (int64_t tap = 0; tap < shape.taps; ++tap) {
    if (args.frames[tap] == nullptr) continue;
    run_tap(args, shape, strip, tap, adds, sums);
    adds = true;
  }
  if (!adds) std::fill_n(sums, strip.rows * row_sums, 0.0f);
  const VectorHelpers& helpers = vector_helpers(usable_isa());
  parallel_for(strip.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t at =
          storage_bytes(args.out_dtype, (args.row_begin + row) * args.cols * channels);
      helpers.finish_pixels({.out = static_cast<std::byte*>(args.out) + at,
                             .sums = sums + row * row_sums,
                             .sums_stride = shape.out_channels,
                             .bias = args.bias,
                             .residual = args.residual == nullptr
                                             ? nullptr
                                             : static_cast<const std::byte*>(args.residual) + at,
                             .dtype = args.out_dtype,
                             .pixels = args.cols,
                             .channels = channels,
                             .relu = args.relu});
    }
  });
}

}  // namespace reel::cpu::onednn
