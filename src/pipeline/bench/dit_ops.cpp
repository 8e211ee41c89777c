// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/dit_ops.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "models/wan_dit/block.h"
#include "models/wan_dit/config.h"
#include "ops/attention.h"
#include "ops/int8_attention.h"
#include "ops/norm.h"
#include "pipeline/random_data.h"

namespace reel::pipeline {
namespace {

using ops::Epilogue;

constexpr int kDitRepeats = 7;
// Residual streams, gates and modulation stay small, so that nothing overflows however often it
// runs.
constexpr float kSmall = 1e-2f;

// What the planner's rates are made of: work and time of the ops of one kind.
struct Sustained {
  double work = 0, seconds = 0;
  double rate() const { return seconds > 0 ? work / seconds : 0; }
};

class DitBench {
 public:
  DitBench(Runtime& runtime, const BenchShape& shape, const Limits& limits)
      : shape_(shape),
        limits_(limits),
        timer_(runtime),
        ctx_(runtime.context(runtime.numbers())),
        matrices_(runtime.numbers().precision.matrices),
        rows_(ctx_.row_chunk > 0 ? std::min(ctx_.row_chunk, shape.tokens) : shape.tokens) {}

  DitTimes run() {
    products();
    if (ctx_.int8_attention) {
      int8_self_attention(DType::kF16);
      if (ctx_.attention_values == DType::kF8E4M3) int8_self_attention(DType::kF8E4M3);
    } else {
      self_attention();
    }
    cross_attention();
    block();
    result_.sustained = {.int8_ops = int8() ? products_.rate() : 0,
                         .wide_ops = int8() ? wide_.rate() : products_.rate(),
                         .attention_ops = attention_.rate(),
                         .e4m3_attention_ops = e4m3_attention_.rate(),
                         .memory_bytes = elementwise_.rate()};
    return std::move(result_);
  }

 private:
  bool int8() const { return matrices_ == DType::kI8; }
  double wide_bytes() const { return static_cast<double>(block_bytes(ctx_.compute)); }
  double operand_bytes() const { return int8() ? 1 : wide_bytes(); }

  template <typename Work>
  double time(const char* op, std::string shape, double work, const char* unit, double bound_s,
              Work&& run) {
    const double seconds = timer_.median_seconds(ctx_, kDitRepeats, run);
    result_.ops.push_back({.op = op,
                           .shape = std::move(shape),
                           .seconds = seconds,
                           .work = work,
                           .unit = unit,
                           .bound_s = bound_s});
    return seconds;
  }

  template <typename Work>
  void time_bytes(const char* op, int64_t rows, int64_t width, double bytes_each, Work&& run) {
    const double bytes = static_cast<double>(rows * width) * bytes_each;
    const double bound = limits_.memory_bytes > 0 ? bytes / limits_.memory_bytes : 0;
    const double seconds = time(op, str_cat(rows, " x ", width), bytes, "B", bound, run);
    elementwise_.work += bytes;
    elementwise_.seconds += seconds;
  }

  void time_product(const char* op, const nn::Linear& layer, const ops::Operand& x,
                    const TensorView& out, Epilogue epilogue, const TensorView& gate = {},
                    const TensorView& sums = {}) {
    const MatrixView& w = layer.weight;
    const double work = 2.0 * static_cast<double>(rows_ * w.out) * static_cast<double>(w.in);
    const double limit = int8() ? limits_.int8_ops : limits_.wide_ops;
    const double seconds = time(
        op, str_cat(rows_, " x ", w.in, " x ", w.out), work, "op", limit > 0 ? work / limit : 0,
        [&](ops::Context& ctx) { nn::linear(ctx, layer, x, out, epilogue, gate, sums); });
    products_.work += work;
    products_.seconds += seconds;
  }

  // Norms of the residual stream and the products that they feed.
  void products() {
    RandomData data{ctx_};
    ops::Scratch scratch{ctx_};
    const TensorView x = data.tensor(DType::kF32, {rows_, shape_.dim});
    const TensorView vector = data.tensor(DType::kF32, {shape_.dim}, kSmall);
    const nn::Linear square = data.linear(matrices_, shape_.dim, shape_.dim);
    const nn::Linear up = data.linear(matrices_, shape_.ffn_dim, shape_.dim);
    const nn::Linear down = data.linear(matrices_, shape_.dim, shape_.ffn_dim);
    const ops::Operand y = ops::make_operand(ctx_, scratch, x.shape, square.weight);
    time_bytes(int8() ? "layer norm, rotate, quantise" : "layer norm", rows_, shape_.dim,
               sizeof(float) + operand_bytes(), [&](ops::Context& ctx) {
                 ops::layer_norm_modulate(ctx, x, vector, vector, wan_dit::kEps, y);
               });
    const TensorView wide = data.uninitialised(ctx_.compute, x.shape);
    const TensorView sums = data.uninitialised(DType::kF32, {rows_, shape_.heads()});
    time_product("product for queries, sums of squares", square, y, wide, Epilogue::kStore, {},
                 sums);
    time_product("product, gate, residual", square, y, x, Epilogue::kGatedAdd, vector);
    const TensorView hidden = data.uninitialised(ctx_.compute, {rows_, shape_.ffn_dim});
    time_product("product up, GELU", up, y, hidden, Epilogue::kGeluTanh);
    const ops::Operand z = ops::make_operand(ctx_, scratch, hidden.shape, down.weight);
    if (int8()) {
      time_bytes("rotate, quantise", rows_, shape_.ffn_dim, wide_bytes() + 1,
                 [&](ops::Context& ctx) { ops::quantise_rows(ctx, hidden, z); });
    }
    time_product("product down, gate, residual", down, int8() ? z : ops::Operand(hidden), x,
                 Epilogue::kGatedAdd, vector);
  }

  // With e4m3 values after it was timed with f16: only what differs.
  void int8_self_attention(DType values) {
    RandomData data{ctx_};
    ops::Scratch scratch{ctx_};
    const int64_t tokens = shape_.tokens;
    const TensorView x = data.tensor(ctx_.compute, {tokens, shape_.dim});
    const TensorView sums = data.tensor(DType::kF32, {tokens, shape_.heads()});
    const TensorView rope = data.tensor(DType::kF32, {tokens, 64, 2});
    // Random sums may be negative: eps keeps their root.
    const ops::QkNorm norm{.sum_squares = sums,
                           .weight = data.tensor(DType::kF32, {shape_.dim}),
                           .eps = 1,
                           .rope = rope};
    const bool e4m3 = values == DType::kF8E4M3;
    const ops::Int8Keys keys = ops::make_int8_keys(scratch, tokens, shape_.heads(), values);
    const auto quantise = [&](ops::Context& ctx) { ops::quantise_keys(ctx, x, norm, keys); };
    if (e4m3) {
      quantise(ctx_);
    } else {
      time_bytes("keys: norm, RoPE, smooth, quantise", tokens, shape_.dim, wide_bytes() + 1,
                 quantise);
    }
    time_bytes(e4m3 ? "values: mean, scale, e4m3" : "values: mean, f16", tokens, shape_.dim,
               e4m3 ? 2 * wide_bytes() + 1 : wide_bytes() + 2,
               [&](ops::Context& ctx) { ops::prepare_values(ctx, x, keys); });
    const TensorView q = x.slice(0, rows_);
    const TensorView out = data.uninitialised(ctx_.compute, q.shape);
    const ops::QkNorm part{.sum_squares = sums.slice(0, rows_),
                           .weight = norm.weight,
                           .eps = 1,
                           .rope = rope.slice(0, rows_)};
    const double half = 2.0 * static_cast<double>(rows_ * tokens) * static_cast<double>(shape_.dim);
    const bool known = limits_.int8_ops > 0 && limits_.wide_ops > 0;
    // Cards of 8.9 and 12.0 multiply e4m3 at INT8's rate.
    const double second_ops = e4m3 ? limits_.int8_ops : limits_.wide_ops;
    time_attention(e4m3 ? "self-attention, e4m3 values, its queries too"
                        : "self-attention in 8 bits, its queries too",
                   tokens, 2 * half, known ? half / limits_.int8_ops + half / second_ops : 0,
                   e4m3 ? e4m3_attention_ : attention_, [&](ops::Context& ctx) {
                     ops::int8_attention(ctx, q, part, keys, kScale, out);
                   });
  }

  void self_attention() {
    RandomData data{ctx_};
    const TensorView k = data.tensor(ctx_.compute, {shape_.tokens, shape_.dim});
    const TensorView v = data.tensor(ctx_.compute, {shape_.tokens, shape_.dim});
    const TensorView q = data.tensor(ctx_.compute, {rows_, shape_.dim});
    const TensorView out = data.uninitialised(ctx_.compute, q.shape);
    const double work =
        4.0 * static_cast<double>(rows_ * shape_.tokens) * static_cast<double>(shape_.dim);
    time_attention(
        "self-attention", shape_.tokens, work, limits_.wide_ops > 0 ? work / limits_.wide_ops : 0,
        attention_,
        [&](ops::Context& ctx) { ops::attention(ctx, q, k, v, shape_.heads(), kScale, out); });
  }

  template <typename Work>
  void time_attention(const char* op, int64_t keys, double work, double bound_s,
                      Sustained& sustained, Work&& run) {
    const double seconds = time(op, str_cat(rows_, " x ", keys, ", ", shape_.heads(), " heads"),
                                work, "op", bound_s, run);
    sustained.work += work;
    sustained.seconds += seconds;
  }

  void cross_attention() {
    RandomData data{ctx_};
    const TensorView k = data.tensor(ctx_.compute, {shape_.text_keys, shape_.dim});
    const TensorView v = data.tensor(ctx_.compute, {shape_.text_keys, shape_.dim});
    const TensorView bias = data.tensor(DType::kF32, {shape_.text_keys});
    const TensorView q = data.tensor(ctx_.compute, {rows_, shape_.dim});
    const TensorView out = data.uninitialised(ctx_.compute, q.shape);
    const double work =
        4.0 * static_cast<double>(rows_ * shape_.text_keys) * static_cast<double>(shape_.dim);
    const double seconds = time(
        "cross-attention", str_cat(rows_, " x ", shape_.text_keys, ", ", shape_.heads(), " heads"),
        work, "op", limits_.wide_ops > 0 ? work / limits_.wide_ops : 0, [&](ops::Context& ctx) {
          ops::attention(ctx, q, k, v, shape_.heads(), kScale, out,
                         {.per_key = bias, .relative = {}});
        });
    wide_.work += work;
    wide_.seconds += seconds;
  }

  wan_dit::AttentionWeights attention_weights(RandomData& data) {
    const auto layer = [&] { return data.linear(matrices_, shape_.dim, shape_.dim); };
    return {.q = layer(),
            .k = layer(),
            .v = layer(),
            .out = layer(),
            .q_norm = data.tensor(DType::kF32, {shape_.dim}),
            .k_norm = data.tensor(DType::kF32, {shape_.dim})};
  }

  void block() {
    RandomData data{ctx_};
    const wan_dit::BlockWeights weights{
        .modulation = data.tensor(DType::kF32, {1, 6, shape_.dim}, kSmall),
        .self_attn = attention_weights(data),
        .cross_norm_weight = data.tensor(DType::kF32, {shape_.dim}),
        .cross_norm_bias = data.tensor(DType::kF32, {shape_.dim}),
        .cross_attn = attention_weights(data),
        .up = data.linear(matrices_, shape_.ffn_dim, shape_.dim),
        .down = data.linear(matrices_, shape_.dim, shape_.ffn_dim)};
    const wan_dit::StepInputs step{.time_mod = data.tensor(DType::kF32, {6, shape_.dim}, kSmall),
                                   .rope = data.tensor(DType::kF32, {shape_.tokens, 64, 2})};
    const wan_dit::TextKeys text{.k = data.tensor(ctx_.compute, {shape_.text_keys, shape_.dim}),
                                 .v = data.tensor(ctx_.compute, {shape_.text_keys, shape_.dim}),
                                 .key_bias = data.tensor(DType::kF32, {shape_.text_keys})};
    const TensorView x = data.tensor(DType::kF32, {shape_.tokens, shape_.dim});
    result_.block_s = timer_.median_seconds(ctx_, kDitRepeats, [&](ops::Context& ctx) {
      wan_dit::block_forward(ctx, weights, step, text, x);
    });
  }

  static constexpr float kScale = 0.08838834764831845f;  // 1 / sqrt(128)

  const BenchShape& shape_;
  const Limits& limits_;
  Timer timer_;
  ops::Context ctx_;
  const DType matrices_;
  const int64_t rows_;
  DitTimes result_;
  Sustained products_, attention_, e4m3_attention_, wide_, elementwise_;
};

}  // namespace

DitTimes time_dit(Runtime& runtime, const BenchShape& shape, const Limits& limits) {
  return DitBench(runtime, shape, limits).run();
}

}  // namespace reel::pipeline
