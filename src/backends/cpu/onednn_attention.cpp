// SPDX-License-Identifier: Apache-2.0
// Attention as two batched oneDNN products with our softmax between, a group of heads and a chunk
// of queries at a time so that the logits stay in the cache.
#include <algorithm>

#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/onednn_engine.h"
#include "backends/cpu/onednn_parts.h"
#include "base/parallel.h"

namespace reel::cpu::onednn {
namespace {

using dnnl::memory;

constexpr int64_t kMostLogits = int64_t{2} << 20;  // 8 MB
constexpr int64_t kQueryGrain = 64;

struct Products {
  dnnl::matmul::primitive_desc logits_desc, output_desc;
  dnnl::matmul logits, output;
};

struct Tile {
  int64_t heads, queries;
};

Tile choose_tile(const ops::AttentionArgs& args) {
  const int64_t queries = std::min(
      args.queries, std::max(kQueryGrain, kMostLogits / args.keys / kQueryGrain * kQueryGrain));
  const int64_t heads = std::clamp<int64_t>(kMostLogits / (queries * args.keys), 1, args.heads);
  return {heads, queries};
}

Products make_products(const ops::AttentionArgs& args, const Tile& tile) {
  const auto type = data_type(args.dtype);
  const int64_t dim = args.head_dim;
  const memory::desc q({tile.heads, tile.queries, dim}, type, {dim, args.q_stride, 1});
  const memory::desc k({tile.heads, dim, args.keys}, type, {dim, 1, args.k_stride});
  const memory::desc v({tile.heads, args.keys, dim}, type, {dim, args.v_stride, 1});
  const memory::desc out({tile.heads, tile.queries, dim}, type, {dim, args.out_stride, 1});
  const memory::desc logits({tile.heads, tile.queries, args.keys}, memory::data_type::f32,
                            memory::format_tag::abc);
  const memory::desc weights({tile.heads, tile.queries, args.keys}, type, memory::format_tag::abc);
  const dnnl::matmul::primitive_desc first(dnnl::matmul::desc(q, k, logits), engine());
  const dnnl::matmul::primitive_desc second(dnnl::matmul::desc(weights, v, out), engine());
  return {first, second, dnnl::matmul(first), dnnl::matmul(second)};
}

void softmax(const ops::AttentionArgs& args, const Tile& tile, int64_t head, int64_t query,
             float* logits, uint16_t* weights) {
  const VectorHelpers& helpers = vector_helpers(usable_isa());
  parallel_for(tile.heads * tile.queries, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* relative = nullptr;
      if (args.relative_bias != nullptr) {
        relative = args.relative_bias + (head + row / tile.queries) * args.relative_stride +
                   args.queries - 1 - (query + row % tile.queries);
      }
      helpers.softmax_row({.logits = logits + row * args.keys,
                           .weights_bf16 = weights == nullptr ? nullptr : weights + row * args.keys,
                           .keys = args.keys,
                           .scale = args.scale,
                           .bias = args.key_bias,
                           .relative = relative});
    }
  });
}

void attend_tile(const ops::AttentionArgs& args, const Tile& tile, int64_t head, int64_t query) {
  static std::map<Key, Products> cache;
  const Products& products =
      cached(cache,
             {tile.heads, tile.queries, args.keys, args.head_dim, static_cast<int64_t>(args.dtype),
              args.q_stride, args.k_stride, args.v_stride, args.out_stride},
             [&] { return make_products(args, tile); });
  const auto at = [&](const void* data, int64_t row, int64_t stride) {
    return static_cast<const std::byte*>(data) +
           storage_bytes(args.dtype, row * stride + head * args.head_dim);
  };
  const int64_t count = tile.heads * tile.queries * args.keys;
  float* const logits = scratch_floats(2, count);
  const bool narrow = args.dtype == DType::kBF16;
  uint16_t* const weights =
      narrow ? reinterpret_cast<uint16_t*>(scratch_floats(3, (count + 1) / 2)) : nullptr;

  products.logits.execute(
      stream(),
      {{DNNL_ARG_SRC, wrap(products.logits_desc.src_desc(), at(args.q, query, args.q_stride))},
       {DNNL_ARG_WEIGHTS, wrap(products.logits_desc.weights_desc(), at(args.k, 0, 0))},
       {DNNL_ARG_DST, wrap(products.logits_desc.dst_desc(), logits)}});
  stream().wait();
  softmax(args, tile, head, query, logits, weights);
  products.output.execute(
      stream(), {{DNNL_ARG_SRC, wrap(products.output_desc.src_desc(),
                                     narrow ? static_cast<const void*>(weights) : logits)},
                 {DNNL_ARG_WEIGHTS, wrap(products.output_desc.weights_desc(), at(args.v, 0, 0))},
                 {DNNL_ARG_DST,
                  wrap(products.output_desc.dst_desc(), at(args.out, query, args.out_stride))}});
  stream().wait();
}

bool on_amx(const ops::AttentionArgs& args) {
  return usable_isa() >= Isa::kAmx && amx::can_attend(args);
}

}  // namespace

const char* which_attention(const ops::AttentionArgs& args) {
  return on_amx(args) ? "AMX" : "oneDNN";
}

void attention(const ops::AttentionArgs& args, Stream) {
  if (on_amx(args)) return amx::attention(args);
  const Tile tile = choose_tile(args);
  for (int64_t query = 0; query < args.queries; query += tile.queries) {
    for (int64_t head = 0; head < args.heads; head += tile.heads) {
      const Tile here{std::min(tile.heads, args.heads - head),
                      std::min(tile.queries, args.queries - query)};
      attend_tile(args, here, head, query);
    }
  }
}

}  // namespace reel::cpu::onednn
