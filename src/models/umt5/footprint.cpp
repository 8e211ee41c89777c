// SPDX-License-Identifier: Apache-2.0
// Follows encoder.cpp and the scratch of ops/ scope by scope; a test compares both.
#include "models/umt5/footprint.h"

namespace reel::umt5 {
namespace {

using memory::ActivationLog;
using Scope = memory::ActivationLog::Scope;

// The operand that ops::linear makes of plain rows for an 8-bit weight.
void quantised(ActivationLog& log, const EncodeShape& shape, const char* tag, int64_t width) {
  if (shape.matrices != DType::kI8) return;
  Scope scope(log);
  scope.take(tag, DType::kI8, {shape.tokens, width});
  scope.take("row scales", DType::kF32, {shape.tokens});
}

void attention(ActivationLog& log, const Config& c, const EncodeShape& s) {
  Scope scope(log);
  scope.take("attention input", s.compute, {s.tokens, c.dim});
  scope.take("queries", s.compute, {s.tokens, c.attn_dim});
  scope.take("keys", s.compute, {s.tokens, c.attn_dim});
  scope.take("values", s.compute, {s.tokens, c.attn_dim});
  scope.take("attention output", s.compute, {s.tokens, c.attn_dim});
  scope.take("relative bias", DType::kF32, {c.heads, 2 * s.tokens - 1});
  quantised(log, s, "attention input in 8 bits", c.dim);
  scope.take("relative positions", DType::kI32, {2 * s.tokens - 1});
  quantised(log, s, "attention output in 8 bits", c.attn_dim);
}

void feed_forward(ActivationLog& log, const Config& c, const EncodeShape& s) {
  Scope scope(log);
  scope.take("feed-forward input", s.compute, {s.tokens, c.dim});
  scope.take("gate", s.compute, {s.tokens, c.ffn_dim});
  scope.take("hidden rows", s.compute, {s.tokens, c.ffn_dim});
  quantised(log, s, "feed-forward input in 8 bits", c.dim);
  quantised(log, s, "hidden rows in 8 bits", c.ffn_dim);
}

}  // namespace

std::vector<memory::Activation> encode_activations(const Config& config, const EncodeShape& shape) {
  ActivationLog log;
  {
    Scope scope(log);
    scope.take("text states", DType::kF32, {shape.tokens, config.dim});
    attention(log, config, shape);
    feed_forward(log, config, shape);
  }
  return log.activations();
}

memory::Work encode_work(const Config& config, const EncodeShape& shape) {
  const auto tokens = static_cast<double>(shape.tokens);
  const auto dim = static_cast<double>(config.dim);
  const auto attn_dim = static_cast<double>(config.attn_dim);
  const auto ffn = static_cast<double>(config.ffn_dim);
  const double products = 2 * tokens * dim * (4 * attn_dim + 3 * ffn);
  memory::Work layer;
  (shape.matrices == DType::kI8 ? layer.int8_ops : layer.wide_ops) = products;
  layer.wide_ops += 4 * tokens * tokens * attn_dim;
  return static_cast<double>(config.layers) * layer;
}

}  // namespace reel::umt5
