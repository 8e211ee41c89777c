// SPDX-License-Identifier: Apache-2.0
// The CPU's reference kernels for weights, run late on the streams of a fake device.
#pragma once

#include "backends/cpu/backend.h"
#include "ops/kernels.h"
#include "support/fake_copy_engine.h"

namespace reel::test {

inline ops::Kernels queued_kernels() {
  ops::Kernels kernels = cpu::reference_kernels();
  kernels.prepare_rows = [](const ops::PrepareRowsArgs& args, Stream stream) {
    const auto bytes = [](DType dtype, int64_t count) {
      return static_cast<size_t>(storage_bytes(dtype, count));
    };
    const int64_t count = args.rows * args.width;
    FakeCopyEngine::will_read(stream, args.from, bytes(args.from_dtype, count));
    if (args.scale_count > 0) {
      FakeCopyEngine::will_read(stream, args.scale, bytes(args.scale_dtype, args.scale_count));
    }
    FakeCopyEngine::will_write(stream, args.to, bytes(args.to_dtype, count));
    FakeCopyEngine::submit(stream, [args] { cpu::reference_kernels().prepare_rows(args, {}); });
  };
  kernels.add_delta = [](const ops::AddDeltaArgs& args, Stream stream) {
    const auto bytes = [](DType dtype, int64_t count) {
      return static_cast<size_t>(storage_bytes(dtype, count));
    };
    const int64_t count = args.rows * args.width;
    const bool is_full = args.down == nullptr;
    FakeCopyEngine::will_read(stream, args.up,
                              bytes(args.up_dtype, is_full ? count : args.rows * args.rank));
    if (!is_full) {
      FakeCopyEngine::will_read(stream, args.down, bytes(args.down_dtype, args.rank * args.width));
    }
    FakeCopyEngine::will_write(stream, args.x, bytes(DType::kF32, count));
    FakeCopyEngine::submit(stream, [args] { cpu::reference_kernels().add_delta(args, {}); });
  };
  kernels.pack_conv = [](const ops::PackConvArgs& args, Stream stream) {
    const ConvShape& s = args.shape;
    const int64_t count = s.out_channels * s.in_channels * s.taps * s.kernel_rows * s.kernel_cols;
    FakeCopyEngine::will_read(stream, args.from, static_cast<size_t>(count) * sizeof(float));
    FakeCopyEngine::will_write(
        stream, args.to,
        static_cast<size_t>(cpu::reference_kernels().packed_conv_bytes(args.dtype, s)));
    FakeCopyEngine::submit(stream, [args] { cpu::reference_kernels().pack_conv(args, {}); });
  };
  return kernels;
}

}  // namespace reel::test
