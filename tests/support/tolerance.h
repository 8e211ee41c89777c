// SPDX-License-Identifier: Apache-2.0
// How far a fast kernel may be from the reference kernel, as relative error in the 2-norm.
#pragma once

#include "core/dtype.h"

namespace reel::test::tolerance {

// f32: a few ulp of reordered sums and of the exponential's polynomial. bf16: both round the same
// f32 value once, which differ by at most one bf16 step (2^-8) on a few elements; f16 likewise, in
// steps of 2^-11.
inline double kernel(DType dtype) {
  return dtype == DType::kBF16 ? 2e-3 : dtype == DType::kF16 ? 2.5e-4 : 2e-6;
}

// Sums of up to 10,000 products in f32, in an order and with roundings that are a tensor core's
// own, stored as `dtype`.
inline double tensor_core_product(DType dtype) {
  return dtype == DType::kF32 ? 3e-5 : kernel(dtype);
}

// Attention rounds its weights to bf16 before the second product.
inline double attention(DType dtype) { return dtype == DType::kBF16 ? 5e-3 : 2e-6; }

// CUDA kernels round their weights to 11 bits in f16 or 8 in bf16, and what they store once more;
// f32 operands go through plain sums of f32.
inline double cuda_attention(DType dtype) {
  if (dtype == DType::kF32) return 5e-6;
  return dtype == DType::kBF16 ? 5e-3 : 6e-4;
}

// Weights are rounded to f16 (2^-11 = 4.9e-4 of each) and their total is not. With e4m3 values both
// sides round weights alike, and sums of 64 products are f16, by two instructions, for which three
// roundings in all are allowed: how often the hardware rounds is not public. (Those of 512 keys
// that wgmma keeps 13 bits of err less: 5e-4.) Stored once more, bf16 adds up to 2^-9.
inline double cuda_int8_attention(DType dtype, DType values = DType::kF16) {
  if (values == DType::kF8E4M3) return dtype == DType::kBF16 ? 4e-3 : 1.5e-3;
  return dtype == DType::kBF16 ? 3e-3 : 6e-4;
}

// How far final latents may be from those of the demo model's FP8 files when the same weights come
// from another layout, f32 products, relative 2-norm: with the text states of the FP8 files, and
// with the layout's own text encoder.
struct LayoutError {
  double dit = 0, whole = 0;
};
// Every number of both networks is the same f32 number. FP8 again finds the scales it came from.
inline constexpr LayoutError kGgufF32Layout{.dit = 0, .whole = 0};
inline constexpr LayoutError kFp8Layout{.dit = 0, .whole = 0};
// An f32 DiT is the same; the text encoder is rounded to bf16, whose 8 bits do not hold the product
// of an FP8 number and its scale. Measured: 9e-5.
inline constexpr LayoutError kOfficialLayout{.dit = 0, .whole = 1.6e-4};
// The DiT is rounded to bf16 too: 0.17 % of each weight. Measured: 1.4e-3.
inline constexpr LayoutError kBf16Layout{.dit = 2.5e-3, .whole = 2.5e-3};
// 8 bits with a scale per 32 numbers: half a step is 0.4 % of the largest. Measured: 5.1e-3.
inline constexpr LayoutError kQ8Layout{.dit = 9e-3, .whole = 9e-3};
// The same 8 bits with a scale per row, whose largest number is further out. Measured: 1.2e-2.
inline constexpr LayoutError kInt8Layout{.dit = 2.2e-2, .whole = 2.2e-2};
// FP8 with one scale per matrix rounds again what was rounded to other scales, by 2.6 % of each
// weight. Measured: 2.5e-2.
inline constexpr LayoutError kComfyFp8Layout{.dit = 4.5e-2, .whole = 4.5e-2};
// 4 bits with scales per 32 numbers, 6 bits where it matters most. Measured: 6.7e-2.
inline constexpr LayoutError kQ4KLayout{.dit = 0.12, .whole = 0.12};

// Goldens: relative error in the 2-norm against the reference in float64 on the same weights.
// What f32 leaves is the rounding of a few hundred operations in a row; bf16 keeps the residual
// stream in f32 and rounds what goes into products to 8 bits (2^-9 each).
inline double golden_text_states(DType compute) { return compute == DType::kBF16 ? 1e-2 : 1e-5; }
inline double golden_velocity(DType compute) { return compute == DType::kBF16 ? 1e-2 : 1e-5; }

// Four forwards, each starting from what the one before left.
inline double golden_latents(DType compute) { return compute == DType::kBF16 ? 2e-2 : 2e-5; }

// Frames in 0..1. With bf16 as peak signal-to-noise ratio: at 48 dB the error is one step of
// 8-bit video, at 50 dB four fifths of it.
inline double golden_frames_f32() { return 1e-5; }
inline double golden_frames_bf16_db() { return 50; }

// 8-bit products, on the fixture of golden/eight_bit_test.cpp; the last on every fixture: of the
// error of FP8 W8A8 with exact attention.
inline constexpr double kEightBitTextStates = 2e-2;
inline constexpr double kEightBitVelocity = 3e-2;
inline constexpr double kEightBitFramesDb = 48;
inline constexpr double kEightBitOfFp8 = 0.75;

// The error of `--precision fp8` over that of the reference's FP8 W8A8, less one: rounding that
// goes another way in a few numbers changes all that follow, and the error a little. Measured:
// 0.10.
inline constexpr double kFp8ErrorOfReference = 0.15;

}  // namespace reel::test::tolerance
