// SPDX-License-Identifier: Apache-2.0
// Attention on the matrix unit, without a matrix of logits: 32 queries of a head meet kMostKeys
// keys at a time, with a running maximum and sum for each query.
//
// Source of the running softmax: Milakov & Gimelshein 2018, arXiv:1805.02867.
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/amx_tiles.h"
#include "backends/cpu/onednn_engine.h"
#include "base/parallel.h"
#include "core/buffer.h"

namespace reel::cpu::amx {
namespace {

constexpr int64_t kMostKeys = 512;  // their logits are 64 KB
constexpr int64_t kMostKeyBlocks = kMostKeys / kBlock;
constexpr int64_t kMostHeadDim = 512;
constexpr int64_t kMostPackedBytes = int64_t{64} << 20;  // of the keys and values packed at once

// What one thread works in: one block of queries.
struct alignas(64) Workspace {
  std::byte queries[kMostHeadDim / kBlock * kPairBytes];
  std::byte logits[kMostKeyBlocks * kGroupBytes];
  std::byte weights[kMostKeyBlocks * kPairBytes];
  std::byte sums[kMostHeadDim / kBlock * kGroupBytes];
  float largest[kBlock], total[kBlock];
};

Workspace& workspace() {
  thread_local Buffer buffer(sizeof(Workspace), "the CPU kernels' scratch");
  return *reinterpret_cast<Workspace*>(buffer.data());
}

// Keys and values of some heads, packed as right-hand tiles.
struct PackedHeads {
  std::byte* keys;
  std::byte* values;
  int64_t key_blocks, dim_blocks;

  int64_t head_bytes() const { return key_blocks * dim_blocks * kPairBytes; }
  // Keys of block `block`: a pair of tiles for each 32 dimensions.
  std::byte* keys_of(int64_t head, int64_t block) const {
    return keys + head * head_bytes() + block * dim_blocks * kPairBytes;
  }
  // 32 dimensions of the values: a pair of tiles for each block of keys.
  std::byte* values_of(int64_t head, int64_t dim_block) const {
    return values + head * head_bytes() + dim_block * key_blocks * kPairBytes;
  }
};

struct QueryBlock {
  int64_t head, packed_head, query, queries;
};

#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#include "backends/cpu/amx_vector.inc"
// After it:
#include "backends/cpu/amx_softmax.inc"

const uint16_t* head_of(const void* data, int64_t row, int64_t stride, int64_t head, int64_t dim) {
  return static_cast<const uint16_t*>(data) + row * stride + head * dim;
}

const std::byte* as_bytes(const uint16_t* numbers) {
  return reinterpret_cast<const std::byte*>(numbers);
}

// 16 numbers, each in the lower half of 32 bits; zeros for null.
inline __m512i widen16(const uint16_t* from) {
  if (from == nullptr) return _mm512_setzero_si512();
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

// A line of a right-hand tile: 16 dimensions of two keys, interleaved.
inline void pack_value_line(const uint16_t* first, const uint16_t* second, std::byte* to) {
  _mm512_store_si512(to, _mm512_or_si512(widen16(first), _mm512_slli_epi32(widen16(second), 16)));
}

void pack_values(const ops::AttentionArgs& args, int64_t head, int64_t block,
                 const PackedHeads& packed, int64_t packed_head) {
  const auto row_of = [&](int64_t key, int64_t dim) {
    return key < args.keys ? head_of(args.v, key, args.v_stride, head, args.head_dim) + dim
                           : nullptr;
  };
  for (int64_t dim_block = 0; dim_block < packed.dim_blocks; ++dim_block) {
    std::byte* const to = packed.values_of(packed_head, dim_block) + block * kPairBytes;
    for (int64_t pair = 0; pair < kTileRows; ++pair) {
      const int64_t key = block * kBlock + 2 * pair;
      for (int64_t half = 0; half < 2; ++half) {
        const int64_t dim = dim_block * kBlock + half * kTileRows;
        pack_value_line(row_of(key, dim), row_of(key + 1, dim),
                        to + half * kTileBytes + pair * kLineBytes);
      }
    }
  }
}

void pack_block(const ops::AttentionArgs& args, int64_t head, int64_t block,
                const PackedHeads& packed, int64_t packed_head) {
  const int64_t key = block * kBlock;
  pack_right_block({.from = as_bytes(head_of(args.k, key, args.k_stride, head, args.head_dim)),
                    .stride = 2 * args.k_stride,
                    .width = 2 * args.head_dim,
                    .rows = std::min(kBlock, args.keys - key)},
                   packed.dim_blocks, packed.keys_of(packed_head, block));
  pack_values(args, head, block, packed, packed_head);
}

// The logits of one query and `keys` keys from `key` on become weights; returns the factor for what
// was summed before.
float soften_row(const ops::AttentionArgs& args, Workspace& space, int64_t head, int64_t query,
                 int64_t row, int64_t key, int64_t keys) {
  constexpr float kLog2E = 1.44269504f;
  const float* const bias = args.key_bias == nullptr ? nullptr : args.key_bias + key;
  const float* const relative =
      args.relative_bias == nullptr
          ? nullptr
          : args.relative_bias + head * args.relative_stride + key - query + args.queries - 1;
  const LogitRow logits{.sums = space.logits, .row = row, .keys = keys};
  // Without biases the scale, which is positive, waits for the exponent.
  float scale = args.scale;
  if (bias != nullptr || relative != nullptr || scale <= 0) {
    add_biases(logits, args.scale, bias, relative);
    scale = 1;
  }
  const float before = space.largest[row];
  const float largest = std::max(before, largest_logit(logits) * scale);
  const float total = fill_weights(logits, scale * kLog2E, largest * kLog2E, space.weights);
  const float factor = before == largest ? 1.0f : std::exp(before - largest);
  space.largest[row] = largest;
  space.total[row] = space.total[row] * factor + total;
  return factor;
}

void scale_sums(Workspace& space, int64_t row, int64_t dim_blocks, float factor) {
  for (int64_t block = 0; block < dim_blocks; ++block) {
    float* const sums = sums_of_row(space.sums + block * kGroupBytes, row);
    for (float* part : {sums, sums + kTileBytes / 4}) {
      _mm512_store_ps(part, _mm512_mul_ps(_mm512_load_ps(part), _mm512_set1_ps(factor)));
    }
  }
}

void store_rows(const ops::AttentionArgs& args, Workspace& space, const QueryBlock& block,
                int64_t dim_blocks) {
  for (int64_t row = 0; row < block.queries; ++row) {
    const __m512 inverse = _mm512_set1_ps(1.0f / space.total[row]);
    auto* const out = const_cast<uint16_t*>(
        head_of(args.out, block.query + row, args.out_stride, block.head, args.head_dim));
    for (int64_t at = 0; at < dim_blocks; ++at) {
      const float* const sums = sums_of_row(space.sums + at * kGroupBytes, row);
      _mm512_storeu_si512(out + at * kBlock,
                          narrow32(_mm512_mul_ps(_mm512_load_ps(sums), inverse),
                                   _mm512_mul_ps(_mm512_load_ps(sums + kTileBytes / 4), inverse)));
    }
  }
}

void attend_block(const ops::AttentionArgs& args, const PackedHeads& packed,
                  const QueryBlock& block) {
  Workspace& space = workspace();
  pack_left_block(
      {.from = as_bytes(head_of(args.q, block.query, args.q_stride, block.head, args.head_dim)),
       .stride = 2 * args.q_stride,
       .width = 2 * args.head_dim,
       .rows = block.queries},
      packed.dim_blocks, space.queries);
  std::fill_n(space.largest, kBlock, -std::numeric_limits<float>::infinity());
  std::fill_n(space.total, kBlock, 0.0f);
  const Tiles tiles;
  for (int64_t key = 0; key < args.keys; key += kMostKeys) {
    const int64_t keys = std::min(kMostKeys, args.keys - key);
    const int64_t first = key / kBlock;
    const int64_t blocks = ceil_div(keys, kBlock);
    for (int64_t at = 0; at < blocks; ++at) {
      multiply_group<Numbers::kBf16>({.a = space.queries,
                                      .b = packed.keys_of(block.packed_head, first + at),
                                      .sums = space.logits + at * kGroupBytes,
                                      .steps = packed.dim_blocks,
                                      .adds = false});
    }
    for (int64_t row = 0; row < block.queries; ++row) {
      const float factor = soften_row(args, space, block.head, block.query + row, row, key, keys);
      if (key > 0 && factor != 1.0f) scale_sums(space, row, packed.dim_blocks, factor);
    }
    for (int64_t at = 0; at < packed.dim_blocks; ++at) {
      multiply_group<Numbers::kBf16>(
          {.a = space.weights,
           .b = packed.values_of(block.packed_head, at) + first * kPairBytes,
           .sums = space.sums + at * kGroupBytes,
           .steps = blocks,
           .adds = key > 0});
    }
  }
  store_rows(args, space, block, packed.dim_blocks);
}
#pragma GCC pop_options

void attend_heads(const ops::AttentionArgs& args, const PackedHeads& packed, int64_t first,
                  int64_t heads) {
  parallel_for(heads * packed.key_blocks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t head = task / packed.key_blocks;
      pack_block(args, first + head, task % packed.key_blocks, packed, head);
    }
  });
  const int64_t query_blocks = ceil_div(args.queries, kBlock);
  parallel_for(heads * query_blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t head = task / query_blocks;
      const int64_t query = task % query_blocks * kBlock;
      attend_block(args, packed,
                   {.head = first + head,
                    .packed_head = head,
                    .query = query,
                    .queries = std::min(kBlock, args.queries - query)});
    }
  });
}

}  // namespace

bool can_attend(const ops::AttentionArgs& args) {
  return args.dtype == DType::kBF16 && args.head_dim % kBlock == 0 && args.head_dim <= kMostHeadDim;
}

void attention(const ops::AttentionArgs& args) {
  PackedHeads packed{.keys = nullptr,
                     .values = nullptr,
                     .key_blocks = ceil_div(args.keys, kBlock),
                     .dim_blocks = args.head_dim / kBlock};
  const int64_t most_heads =
      std::clamp<int64_t>(kMostPackedBytes / (2 * packed.head_bytes()), 1, args.heads);
  packed.keys =
      reinterpret_cast<std::byte*>(onednn::scratch_floats(2, most_heads * packed.head_bytes() / 4));
  packed.values =
      reinterpret_cast<std::byte*>(onednn::scratch_floats(3, most_heads * packed.head_bytes() / 4));
  for (int64_t head = 0; head < args.heads; head += most_heads) {
    attend_heads(args, packed, head, std::min(most_heads, args.heads - head));
  }
}

}  // namespace reel::cpu::amx
