// SPDX-License-Identifier: Apache-2.0
// Convolutions of the CUDA backend against the reference, in whatever memory its kernels run.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <ostream>
#include <vector>

#include "backends/cpu/reference_kernels.h"
#include "backends/cuda/kernels.h"
#include "support/conv_weights.h"
#include "support/device_tensor.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::cuda {

struct ConvCase {
  enum class Residual { kNone, kOther, kOut };

  int64_t rows, cols;
  ConvShape shape;
  DType dtype = DType::kF16;
  DType out_dtype = DType::kF32;
  std::array<bool, 3> present = {true, true, true};
  bool bias = true;
  Residual residual = Residual::kNone;
  // The rows that are computed; all when row_end is 0. Other rows must stay as they are.
  int64_t row_begin = 0, row_end = 0;
  // The rows that are compared, one by one; none: all. The reference is slow.
  std::vector<int64_t> checked = {};
  bool relu = false;
  bool newest_first = false;  // as the backend is given the weights
};

inline std::ostream& operator<<(std::ostream& out, const ConvCase& c) {
  const ConvShape& s = c.shape;
  return out << c.rows << 'x' << c.cols << ' ' << s.in_channels << " -> " << s.out_channels
             << " channels, kernel " << s.taps << 'x' << s.kernel_rows << 'x' << s.kernel_cols
             << ", " << c.dtype << " to " << c.out_dtype << ", frames " << c.present[0]
             << c.present[1] << c.present[2] << ", residual " << static_cast<int>(c.residual)
             << ", rows " << c.row_begin << " to " << c.row_end << (c.relu ? ", relu" : "")
             << (c.newest_first ? ", newest first" : "");
}

// A weight [out, in, taps, kernel rows, kernel cols] f32, packed by the backend, `newest_first`
// from that order, and by the reference.
class PackedConv {
 public:
  PackedConv(MemorySpace& memory, const Tensor& weight, const ConvShape& shape, DType dtype,
             bool newest_first = false)
      : device_(memory, poisoned(packed_conv_bytes(dtype, shape))),
        host_(poisoned(cpu::reference::packed_conv_bytes(dtype, shape))) {
    const test::DeviceTensor from(
        memory, newest_first ? test::newest_first(weight, shape) : test::copy_of(weight.view()));
    ops::PackConvArgs args{.from = static_cast<const float*>(from.data()),
                           .shape = shape,
                           .dtype = dtype,
                           .to = device_.data(),
                           .newest_first = newest_first};
    pack_conv(args, {});
    args.from = weight.view().as<float>();
    args.to = host_.view().data;
    args.newest_first = false;
    cpu::reference::pack_conv(args, {});
  }

  const void* device() const { return device_.data(); }
  const void* host() const { return host_.view().data; }

 private:
  static Tensor poisoned(int64_t bytes) { return test::poisoned_tensor({bytes}, DType::kU8); }

  test::DeviceTensor device_;
  Tensor host_;
};

// A kernel's largest error, in units of the largest wanted number.
inline double largest_error(const TensorView& got, const TensorView& want) {
  double error = 0;
  double largest = 0;
  for (int64_t at = 0; at < want.elements(); ++at) {
    error = std::max<double>(error, std::fabs(test::value_at(got, at) - test::value_at(want, at)));
    largest = std::max<double>(largest, std::fabs(test::value_at(want, at)));
  }
  return error / std::max(largest, 1e-30);
}

inline TensorView rows_of(const TensorView& frame, int64_t begin, int64_t end) {
  const int64_t row_bytes = storage_bytes(frame.dtype, frame.shape[1] * frame.shape[2]);
  return {.data = frame.as<std::byte>() + begin * row_bytes,
          .dtype = frame.dtype,
          .shape = {end - begin, frame.shape[1], frame.shape[2]}};
}

inline void expect_conv_like_reference(MemorySpace& memory, const ConvCase& c, uint64_t seed) {
  SCOPED_TRACE(testing::Message() << c << ", seed " << seed);
  const ConvShape& s = c.shape;
  const int64_t row_end = c.row_end == 0 ? c.rows : c.row_end;
  const Shape out_shape{c.rows, c.cols, s.out_channels};
  const Tensor weight = test::random_tensor(
      {s.out_channels, s.in_channels, s.taps, s.kernel_rows, s.kernel_cols}, DType::kF32, seed);
  const Tensor bias = test::random_tensor({s.out_channels}, DType::kF32, seed + 1);
  const Tensor residual = test::random_tensor(out_shape, c.out_dtype, seed + 2, -8, 8);
  const Tensor start = c.residual == ConvCase::Residual::kOut
                           ? test::copy_of(residual.view())
                           : test::poisoned_tensor(out_shape, c.out_dtype);
  std::vector<Tensor> frames;
  for (int64_t tap = 0; tap < s.taps; ++tap) {
    frames.push_back(test::random_tensor({c.rows, c.cols, s.in_channels}, c.dtype,
                                         seed + 3 + static_cast<uint64_t>(tap)));
  }
  const PackedConv packed(memory, weight, s, c.dtype, c.newest_first);
  ops::ConvArgs args{.frames = {},
                     .out = nullptr,
                     .residual = nullptr,
                     .weight = {.data = nullptr, .dtype = c.dtype, .shape = s},
                     .bias = nullptr,
                     .dtype = c.dtype,
                     .out_dtype = c.out_dtype,
                     .rows = c.rows,
                     .cols = c.cols,
                     .row_begin = c.row_begin,
                     .row_end = row_end,
                     .relu = c.relu};

  const test::DeviceTensor out(memory, start);
  const test::DeviceTensor device_bias(memory, bias);
  const test::DeviceTensor device_residual(memory, residual);
  std::vector<std::unique_ptr<test::DeviceTensor>> device_frames;
  for (size_t tap = 0; tap < frames.size(); ++tap) {
    device_frames.push_back(std::make_unique<test::DeviceTensor>(memory, frames[tap]));
    if (c.present[tap]) args.frames[tap] = device_frames[tap]->data();
  }
  args.out = out.data();
  args.weight.data = packed.device();
  if (c.bias) args.bias = static_cast<const float*>(device_bias.data());
  if (c.residual == ConvCase::Residual::kOther) args.residual = device_residual.data();
  if (c.residual == ConvCase::Residual::kOut) args.residual = out.data();
  conv(args, {});
  const Tensor got = out.download();

  const Tensor want = test::copy_of(start.view());
  for (size_t tap = 0; tap < frames.size(); ++tap) {
    args.frames[tap] = c.present[tap] ? frames[tap].view().data : nullptr;
  }
  args.out = want.view().data;
  args.weight.data = packed.host();
  if (c.bias) args.bias = bias.view().as<float>();
  if (c.residual == ConvCase::Residual::kOther) args.residual = residual.view().data;
  if (c.residual == ConvCase::Residual::kOut) args.residual = want.view().data;
  const auto expect_like_reference = [&](int64_t begin, int64_t end) {
    SCOPED_TRACE(testing::Message() << "rows " << begin << " to " << end);
    args.row_begin = begin;
    args.row_end = end;
    cpu::reference::conv(args, {});
    const TensorView got_rows = rows_of(got.view(), begin, end);
    const TensorView want_rows = rows_of(want.view(), begin, end);
    EXPECT_LE(test::relative_error(got_rows, want_rows),
              test::tolerance::tensor_core_product(c.out_dtype));
    EXPECT_LE(largest_error(got_rows, want_rows),
              10 * test::tolerance::tensor_core_product(c.out_dtype));
  };
  if (c.checked.empty()) expect_like_reference(c.row_begin, row_end);
  for (const int64_t row : c.checked) expect_like_reference(row, row + 1);

  const auto expect_untouched = [&](int64_t begin, int64_t end) {
    if (begin >= end) return;
    const TensorView rows = rows_of(got.view(), begin, end);
    EXPECT_EQ(std::memcmp(rows.data, rows_of(start.view(), begin, end).data,
                          static_cast<size_t>(rows.size_bytes())),
              0);
  };
  expect_untouched(0, c.row_begin);
  expect_untouched(row_end, c.rows);
}

}  // namespace reel::cuda
