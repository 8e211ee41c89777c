// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/self_test.h"

#include <array>
#include <functional>
#include <utility>

#include "backends/cpu/backend.h"
#include "base/error.h"
#include "models/wan_dit/config.h"
#include "ops/attention.h"
#include "ops/conv.h"
#include "ops/norm.h"
#include "pipeline/attention_trial.h"
#include "pipeline/random_data.h"
#include "pipeline/relative_error.h"

namespace reel::pipeline {
namespace {

using ops::Epilogue;

// No tile of any kernel divides these.
constexpr int64_t kRows = 197, kWidth = 384, kHeads = 3, kKeys = 131;
constexpr int64_t kOut = 640;
constexpr int64_t kFrameRows = 13, kFrameCols = 21, kChannels = 32;
constexpr float kScale = 0.08838834764831845f;  // 1 / sqrt(128)

// What one rounding of results and operands allows, by the precision that is computed in.
double allowance(DType dtype) {
  switch (dtype) {
    case DType::kF32: return 1e-5;
    case DType::kF16: return 3e-3;
    default: return 2e-2;
  }
}
// A rounding to 8 bits that falls on the other side moves a number by a step of 1 / 127 of the
// largest; few do.
constexpr double kEightBitAllowance = 2e-2;

// An op on random numbers that depend on nothing but the order in which they are drawn, and its
// result.
using Case = std::function<TensorView(ops::Context&, RandomData&)>;

class SelfTest {
 public:
  explicit SelfTest(Runtime& runtime)
      : ours_(runtime.context(runtime.numbers())),
        vae_(runtime.context(runtime.vae_numbers())),
        matrices_(runtime.numbers().precision.matrices),
        stop_(runtime.stop()) {}

  std::vector<KernelCheck> run() {
    norms();
    products();
    attentions();
    convolutions();
    return std::move(checks_);
  }

 private:
  std::vector<float> result_of(ops::Context& ctx, const Case& work) {
    RandomData data(ctx);
    return download_floats(ctx, work(ctx, data));
  }

  void check(ops::Context& ctx, const char* op, std::string shape, double allowed,
             const Case& work) {
    Arena arena("self-test");
    ops::Context reference{.kernels = cpu::reference_kernels(),
                           .arena = arena,
                           .stop = stop_,
                           .compute = ctx.compute,
                           .int8_attention = ctx.int8_attention,
                           .attention_values = ctx.attention_values};
    const std::vector<float> want = result_of(reference, work);
    checks_.push_back({.op = op,
                       .shape = std::move(shape),
                       .error = relative_error(result_of(ctx, work), want),
                       .allowed = allowed});
  }

  void norms() {
    const DType dtype = ours_.compute;
    const double allowed = allowance(dtype);
    check(ours_, "layer norm", str_cat(kRows, " x ", kWidth), allowed,
          [&](ops::Context& ctx, RandomData& data) {
            const TensorView x = data.tensor(DType::kF32, {kRows, kWidth});
            const TensorView scale = data.tensor(DType::kF32, {kWidth});
            const TensorView shift = data.tensor(DType::kF32, {kWidth});
            const TensorView out = data.uninitialised(dtype, x.shape);
            ops::layer_norm_modulate(ctx, x, scale, shift, wan_dit::kEps, out);
            return out;
          });
    check(ours_, "RMS norm, RoPE", str_cat(kRows, " x ", kWidth), allowed,
          [&](ops::Context& ctx, RandomData& data) {
            const TensorView x = data.tensor(dtype, {kRows, kWidth});
            const TensorView weight = data.tensor(DType::kF32, {kWidth});
            const TensorView rope = data.tensor(DType::kF32, {kRows, 64, 2});
            const TensorView out = data.uninitialised(dtype, x.shape);
            ops::rms_norm_rope(ctx, x, weight, wan_dit::kEps, rope, out);
            return out;
          });
  }

  void product(const char* op, DType matrices, Epilogue epilogue, double allowed) {
    check(ours_, op, str_cat(kRows, " x ", kWidth, " x ", kOut, ", ", matrices), allowed,
          [&](ops::Context& ctx, RandomData& data) {
            const nn::Linear layer = data.linear(matrices, kOut, kWidth);
            const TensorView x = data.tensor(ctx.compute, {kRows, kWidth});
            const TensorView gate = data.tensor(DType::kF32, {kOut});
            const TensorView out = data.tensor(DType::kF32, {kRows, kOut});
            nn::linear(ctx, layer, x, out, epilogue,
                       epilogue == Epilogue::kGatedAdd ? gate : TensorView{});
            return out;
          });
  }

  void products() {
    const DType wide = ours_.compute;
    product("product", wide, Epilogue::kStore, allowance(wide));
    product("product, GELU", wide, Epilogue::kGeluTanh, allowance(wide));
    if (matrices_ == wide) return;
    product("product in 8 bits", matrices_, Epilogue::kStore, kEightBitAllowance);
    product("product in 8 bits, gate, residual", matrices_, Epilogue::kGatedAdd,
            kEightBitAllowance);
  }

  void attentions() {
    const DType dtype = ours_.compute;
    check(ours_, "attention", str_cat(kRows, " x ", kKeys, ", ", kHeads, " heads"),
          allowance(dtype), [&](ops::Context& ctx, RandomData& data) {
            const TensorView q = data.tensor(dtype, {kRows, kWidth}, 3);
            const TensorView k = data.tensor(dtype, {kKeys, kWidth}, 3);
            const TensorView v = data.tensor(dtype, {kKeys, kWidth});
            const TensorView bias = data.tensor(DType::kF32, {kKeys});
            const TensorView out = data.uninitialised(dtype, q.shape);
            ops::attention(ctx, q, k, v, kHeads, kScale, out, {.per_key = bias, .relative = {}});
            return out;
          });
    if (!ours_.int8_attention) return;
    // Both, whichever runs: what the card computes with the other is seen on the card alone.
    ops::Context with = ours_;
    with.attention_values = DType::kF16;
    eight_bit_attention(with, "attention in 8 bits");
    const auto takes_them = ours_.kernels.takes_e4m3_values;
    if (takes_them != nullptr && !takes_them()) return;
    with.attention_values = DType::kF8E4M3;
    eight_bit_attention(with, "attention in 8 bits, FP8 values");
  }

  void eight_bit_attention(ops::Context& with, const char* name) {
    check(with, name, str_cat(kRows, " x ", kRows, ", ", kHeads, " heads"), kEightBitAllowance,
          [&](ops::Context& ctx, RandomData& data) {
            return attend_to_random_rows(ctx, data, kRows, kHeads);
          });
  }

  void convolutions() {
    const DType dtype = vae_.compute;
    const Shape frame{kFrameRows, kFrameCols, kChannels};
    check(vae_, "L2 norm, SiLU", str_cat(kFrameRows, " x ", kFrameCols, " x ", kChannels),
          allowance(dtype), [&](ops::Context& ctx, RandomData& data) {
            const TensorView x =
                data.tensor(dtype == DType::kF16 ? DType::kF16 : DType::kF32, frame);
            const TensorView gamma = data.tensor(DType::kF32, {kChannels});
            const TensorView out = data.uninitialised(x.dtype, frame);
            ops::l2_norm(ctx, x, gamma, true, out);
            return out;
          });
    convolution({.in_channels = kChannels,
                 .out_channels = 3 * kChannels,
                 .taps = 3,
                 .kernel_rows = 3,
                 .kernel_cols = 3});
    convolution({.in_channels = 3 * kChannels,
                 .out_channels = 3,
                 .taps = 3,
                 .kernel_rows = 3,
                 .kernel_cols = 3});
    convolution({.in_channels = 3 * kChannels,
                 .out_channels = kChannels,
                 .taps = 1,
                 .kernel_rows = 1,
                 .kernel_cols = 1});
  }

  void convolution(const ConvShape& shape) {
    const Shape in{kFrameRows, kFrameCols, shape.in_channels};
    const Shape to{kFrameRows, kFrameCols, shape.out_channels};
    check(vae_, "convolution",
          str_cat(shape.taps, "x", shape.kernel_rows, "x", shape.kernel_cols, ", ",
                  shape.in_channels, " to ", shape.out_channels, " channels"),
          allowance(vae_.compute), [&](ops::Context& ctx, RandomData& data) {
            std::vector<ops::Frame> frames;
            for (int64_t tap = 0; tap < shape.taps; ++tap) {
              frames.push_back(data.tensor(ctx.compute, in));
            }
            const ConvView weight = data.conv(shape);
            const TensorView bias = data.tensor(DType::kF32, {shape.out_channels});
            const std::array out = {data.uninitialised(DType::kF32, to)};
            ops::conv(ctx, frames, weight, bias, out);
            return out[0];
          });
  }

  ops::Context ours_, vae_;
  const DType matrices_;
  const StopFlag& stop_;
  std::vector<KernelCheck> checks_;
};

}  // namespace

std::vector<KernelCheck> check_kernels(Runtime& runtime) { return SelfTest(runtime).run(); }

}  // namespace reel::pipeline
