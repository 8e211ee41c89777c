// SPDX-License-Identifier: Apache-2.0
// Follows transformer.cpp, block.cpp and the scratch of ops/ scope by scope; a test compares both.
#include "models/wan_dit/footprint.h"

#include <algorithm>

#include "core/packed_weights.h"
#include "nn/sequence_parallel.h"
#include "ops/kernels.h"

namespace reel::wan_dit {
namespace {

using memory::ActivationLog;
using Scope = memory::ActivationLog::Scope;

// Of the first rank.
int64_t own_tokens(const ForwardShape& shape) {
  return shape.ranks == 1 ? shape.tokens
                          : nn::share_tokens(shape.tokens, shape.ranks).front().count;
}
int64_t own_heads(const Config& config, const ForwardShape& shape) {
  return nn::share_heads(config.heads(), shape.ranks).front().count;
}

class ForwardLog {
 public:
  ForwardLog(const Config& config, const ForwardShape& shape)
      : c_(config),
        s_(shape),
        own_tokens_(own_tokens(shape)),
        own_heads_(own_heads(config, shape)) {}

  void forward() {
    Scope scope(log_);
    scope.take("residual stream", DType::kF32, {own_tokens_, c_.dim});
    scope.take("patches", DType::kF32, {own_tokens_, c_.patch_dim()});
    scope.take("rotation table", DType::kF32, {s_.tokens, kHeadDim / 2, 2});
    quantised("text rows in 8 bits", s_.text_keys, c_.dim);  // fill_text_keys
    block();
    head();
    if (s_.ranks > 1) {
      scope.take("patches of all ranks", DType::kF32, {s_.tokens, c_.patch_dim()});
    }
  }

  void setup() {
    Scope scope(log_);
    scope.take("text states", DType::kF32, {s_.text_keys, c_.text_dim});
    scope.take("text embedding", s_.compute, {s_.text_keys, c_.dim});
  }

  const std::vector<memory::Activation>& activations() const { return log_.activations(); }

 private:
  int64_t chunk() const {
    return s_.row_chunk > 0 ? std::min(s_.row_chunk, own_tokens_) : own_tokens_;
  }
  // Own heads of all tokens; as many numbers as own rows with all heads, or about.
  Shape shape_of_heads() const { return {s_.tokens, own_heads_ * kHeadDim}; }
  bool has_8_bits() const { return has_row_scales(s_.matrices); }
  DType operand_dtype() const { return has_8_bits() ? s_.matrices : s_.compute; }

  // ops::make_operand
  void operand(Scope& scope, const char* tag, int64_t rows, int64_t width) {
    scope.take(tag, operand_dtype(), {rows, width});
    if (has_8_bits()) scope.take("row scales", DType::kF32, {rows});
  }
  // Gone when its products are done.
  void brief_operand(const char* tag, int64_t rows) {
    Scope scope(log_);
    operand(scope, tag, rows, c_.dim);
  }
  // The operand that ops::linear makes of plain rows for an 8-bit weight.
  void quantised(const char* tag, int64_t rows, int64_t width) {
    Scope scope(log_);
    if (has_8_bits()) operand(scope, tag, rows, width);
  }

  void block() {
    Scope scope(log_);
    scope.take("modulation", DType::kF32, {6, c_.dim});
    if (s_.int8_attention && s_.ranks > 1) {
      split_int8_attention();
    } else if (s_.int8_attention) {
      int8_self_attention();
    } else if (s_.ranks > 1) {
      split_attention();
    } else {
      self_attention();
    }
    cross_attention();
    feed_forward();
  }

  void self_attention() {
    const Shape all{s_.tokens, c_.dim};
    Scope scope(log_);
    scope.take("queries", s_.compute, all);
    scope.take("keys", s_.compute, all);
    scope.take("values", s_.compute, all);
    brief_operand("attention input", s_.tokens);
    scope.take("attention output", s_.compute, all);
    quantised("attention output in 8 bits", s_.tokens, c_.dim);
  }

  void split_attention() {
    Scope scope(log_);
    for (const char* tag : {"queries", "keys", "values"}) {
      scope.take(tag, s_.compute, shape_of_heads());
    }
    {
      Scope inputs(log_);
      inputs.take("projected rows", s_.compute, {own_tokens_, c_.dim});
      inputs.take("rows sorted by rank", s_.compute, {own_tokens_, c_.dim});
      operand(inputs, "attention input", own_tokens_, c_.dim);
    }
    scope.take("attention output", s_.compute, shape_of_heads());
    split_output();
  }

  void split_output() {
    Scope scope(log_);
    scope.take("rows sorted by rank", s_.compute, {own_tokens_, c_.dim});
    scope.take("attention output of own rows", s_.compute, {chunk(), c_.dim});
    quantised("attention output in 8 bits", chunk(), c_.dim);
  }

  // ops::make_int8_keys
  void int8_keys(Scope& scope) {
    const int64_t padded = ops::int8_padded(s_.tokens);
    const int64_t heads = own_heads_;
    scope.take("8-bit keys", DType::kI8, {heads, padded, kHeadDim});
    scope.take("key scales", DType::kF32, {heads, padded / ops::kInt8KeyTile, ops::kInt8KeyScales});
    const bool has_f16_values = s_.attention_values == DType::kF16;
    scope.take(has_f16_values ? "16-bit values" : "8-bit values", s_.attention_values,
               {heads, padded, kHeadDim});
    scope.take("mean of values", DType::kF32, {heads, kHeadDim});
    if (!has_f16_values) scope.take("value scales", DType::kF32, {heads, kHeadDim});
  }

  void split_int8_attention() {
    Scope scope(log_);
    int8_keys(scope);
    scope.take("keys, values or queries", s_.compute, shape_of_heads());
    scope.take("sums of squares", DType::kF32, {s_.tokens, c_.heads()});
    {
      Scope bring(log_);
      bring.take("rows sorted by rank", s_.compute, {own_tokens_, c_.dim});
      bring.take("sums of squares of own rows", DType::kF32, {own_tokens_, c_.heads()});
      bring.take("projected rows", s_.compute, {chunk(), c_.dim});
      operand(bring, "attention input", chunk(), c_.dim);
    }
    {
      Scope quantise(log_);
      quantise.take("mean of keys", DType::kF32, {own_heads_, kHeadDim});
    }
    quantised_queries(s_.tokens);
    split_output();
  }

  void int8_self_attention() {
    Scope scope(log_);
    int8_keys(scope);
    keys_and_values();
    queries();
  }

  // ops::int8_attention
  void quantised_queries(int64_t queries) {
    const int64_t flops_per_query = 4 * s_.tokens * own_heads_ * kHeadDim;
    const int64_t most_queries =
        std::max(ops::kInt8RowTile,
                 s_.most_flops_per_call / flops_per_query / ops::kInt8RowTile * ops::kInt8RowTile);
    const int64_t most = ops::int8_padded(std::min(most_queries, queries));
    Scope attention(log_);
    attention.take("8-bit queries", DType::kI8, {own_heads_, most, kHeadDim});
    attention.take("query scales", DType::kF32, {own_heads_, most});
  }

  // In the memory of the values where it fits.
  void key_input(Scope& scope) {
    if (block_bytes(operand_dtype()) > block_bytes(s_.attention_values)) {
      operand(scope, "attention input", s_.tokens, c_.dim);
    } else if (has_8_bits()) {
      scope.take("row scales", DType::kF32, {s_.tokens});
    }
  }

  void keys_and_values() {
    Scope inputs(log_);
    inputs.take("keys or values", s_.compute, {s_.tokens, c_.dim});
    inputs.take("sums of squares", DType::kF32, {s_.tokens, c_.heads()});
    key_input(inputs);
    Scope quantise(log_);
    quantise.take("mean of keys", DType::kF32, {c_.heads(), kHeadDim});
  }

  void queries() {
    Scope part(log_);
    part.take("queries", s_.compute, {chunk(), c_.dim});
    part.take("sums of squares", DType::kF32, {chunk(), c_.heads()});
    brief_operand("attention input", chunk());
    quantised_queries(chunk());
    quantised("attention output in 8 bits", chunk(), c_.dim);
  }

  void cross_attention() {
    Scope scope(log_);
    scope.take("queries of the text", s_.compute, {chunk(), c_.dim});
    brief_operand("cross-attention input", chunk());
    scope.take("cross-attention output", s_.compute, {chunk(), c_.dim});
    quantised("cross-attention output in 8 bits", chunk(), c_.dim);
  }

  void feed_forward() {
    Scope scope(log_);
    scope.take("hidden rows", s_.compute, {chunk(), c_.ffn_dim});
    brief_operand("feed-forward input", chunk());
    quantised("hidden rows in 8 bits", chunk(), c_.ffn_dim);
  }

  void head() {
    Scope scope(log_);
    scope.take("head shift", DType::kF32, {1, c_.dim});
    scope.take("head scale", DType::kF32, {1, c_.dim});
    scope.take("head input", DType::kF32, {chunk(), c_.dim});
  }

  const Config& c_;
  const ForwardShape& s_;
  const int64_t own_tokens_, own_heads_;
  ActivationLog log_;
};

uint64_t tensor_bytes(DType dtype, const Shape& shape) {
  return memory::aligned(static_cast<uint64_t>(storage_bytes(dtype, shape.elements())));
}

}  // namespace

std::vector<memory::Activation> forward_activations(const Config& config,
                                                    const ForwardShape& shape) {
  ForwardLog log(config, shape);
  log.forward();
  return log.activations();
}

std::vector<memory::Activation> setup_activations(const Config& config, const ForwardShape& shape) {
  ForwardLog log(config, shape);
  log.setup();
  return log.activations();
}

uint64_t prompt_bytes(const Config& config, const ForwardShape& shape) {
  const uint64_t rows = tensor_bytes(shape.compute, {shape.text_keys, config.dim});
  const auto layers = static_cast<uint64_t>(config.layers);
  return rows + tensor_bytes(DType::kF32, {shape.text_keys}) + 2 * layers * rows;
}

uint64_t time_modulation_bytes(const Config& config, int64_t steps) {
  return tensor_bytes(DType::kF32, {steps, 6, config.dim}) +
         tensor_bytes(DType::kF32, {steps, config.dim});
}

memory::Work forward_work(const Config& config, const ForwardShape& shape) {
  const auto tokens = static_cast<double>(own_tokens(shape));
  const auto dim = static_cast<double>(config.dim);
  const auto ffn = static_cast<double>(config.ffn_dim);
  const auto keys = static_cast<double>(shape.text_keys);
  const bool int8 = shape.matrices == DType::kI8;
  const double wide_bytes = static_cast<double>(block_bytes(shape.compute));
  const bool has_8_bits = has_row_scales(shape.matrices);
  const double operand_bytes = has_8_bits ? 1 : wide_bytes;

  // FP8 numbers are multiplied as f16 (backends/cuda/fp8_linear.cu).
  // Self-attention's q, k, v, out, cross-attention's q and out, up and down. Keys and values of the
  // text are made once per prompt.
  const double products = 6 * 2 * tokens * dim * dim + 2 * 2 * tokens * dim * ffn;
  memory::Work block;
  (int8 ? block.int8_ops : block.wide_ops) = products;
  block.attention_ops = 4.0 * static_cast<double>(shape.tokens) *
                        static_cast<double>(shape.tokens) *
                        static_cast<double>(own_heads(config, shape) * kHeadDim);
  block.wide_ops += 4 * tokens * keys * dim;
  // Norms of x, of which keys and values share one on one rank; and what makes operands of results.
  const double norms =
      (shape.ranks == 1 && shape.int8_attention ? 4 : 5) * (sizeof(float) + operand_bytes) * dim;
  const double projections = (4 * wide_bytes + 3 * operand_bytes + 2) * dim;  // k, v, q, text q
  const double outputs = has_8_bits ? (wide_bytes + 1) * (2 * dim + ffn) : 0;
  block.traffic_bytes = tokens * (norms + projections + outputs);

  memory::Work work = static_cast<double>(config.layers) * block;
  work.wide_ops += 2 * 2 * tokens * dim * static_cast<double>(config.patch_dim());
  work.traffic_bytes += 4 * sizeof(float) * tokens * dim;
  return work;
}

}  // namespace reel::wan_dit
