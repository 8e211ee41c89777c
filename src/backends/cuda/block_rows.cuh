// SPDX-License-Identifier: Apache-2.0
// Rows in ggml's block formats (core/numerics/ggml_blocks.h) on their way from memory through
// shared memory to the registers of a warp: what numerics::dequantise_*() answer, by words of four
// codes. Blocks start at odd multiples of two bytes: memory is read by 16 bytes, shared memory by
// words.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "backends/cuda/device/approx.cuh"
#include "backends/cuda/device/bytes.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/half_pairs.cuh"
#include "backends/cuda/row_warps.cuh"
#include "core/dtype.h"
#include "core/numerics/ggml_blocks.h"

namespace reel::cuda {

// Bytes of shared memory from an offset on. As an address alone, words of them would be loaded as
// if they might lie in any memory.
struct SharedBytes {
  const uint8_t* base;  // a multiple of 4
  int at;

  __device__ const uint8_t* pointer() const { return base + at; }
  __device__ uint8_t operator[](int index) const { return base[at + index]; }
  __device__ SharedBytes operator+(int bytes) const { return {base, at + bytes}; }
};

// kCount bytes as words; no word without one of them is read.
template <int kCount>
__device__ inline void load_words(SharedBytes from, uint32_t (&to)[kCount / 4]) {
  const auto* const words = reinterpret_cast<const uint32_t*>(from.base + from.at / 4 * 4);
  const int shift = from.at % 4 * 8;
  uint32_t word = words[0];
#pragma unroll
  for (int i = 0; i < kCount / 4; ++i) {
    const uint32_t next = i + 1 < kCount / 4 || shift != 0 ? words[i + 1] : 0;
    to[i] = static_cast<uint32_t>((uint64_t{next} << 32 | word) >> shift);
    word = next;
  }
}

__device__ inline float load_f16(SharedBytes bytes) {
  return device::f16_to_f32(static_cast<uint16_t>(bytes[0] | bytes[1] << 8));
}

// 32 neighbours, from a multiple of 32 on, which share a scale or have two: number i is steps[g] *
// (code i - offset) - minima[g], g being i / (32 / kGroups).
using Codes = uint32_t[8];  // a byte each
template <int kGroups>
struct CodedRun {
  Codes codes;
  float steps[kGroups];
  float minima[kGroups];
  float offset;
};

// codes += those of `words`, bits `shift` to `shift` + `bits` - 1 of each byte, `place` bits up.
__device__ inline void add_codes(const Codes& words, int shift, int bits, int place, Codes& to) {
  const uint32_t mask = 0x01010101u * ((1u << bits) - 1);
#pragma unroll
  for (int i = 0; i < 8; ++i) to[i] |= (words[i] >> shift & mask) << place;
}

__device__ inline void add_codes(SharedBytes bytes, int shift, int bits, int place, Codes& to) {
  Codes words;
  load_words<32>(bytes, words);
  add_codes(words, shift, bits, place, to);
}

// Sixteen bytes: low nibbles, then high ones.
__device__ inline void add_nibbles(SharedBytes bytes, Codes& to) {
  uint32_t words[4];
  load_words<16>(bytes, words);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    to[i] |= words[i] & 0x0f0f0f0fu;
    to[i + 4] |= words[i] >> 4 & 0x0f0f0f0fu;
  }
}

// The fifth bits of 32 codes in four bytes, then their nibbles.
__device__ inline void add_five_bits(SharedBytes bytes, Codes& to) {
  uint32_t fifth[1];
  load_words<4>(bytes, fifth);
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const uint32_t four = fifth[0] >> (4 * i) & 15;
    to[i] |= (four * 0x00204081u & 0x01010101u) << 4;  // a bit for each byte
  }
  add_nibbles(bytes + 4, to);
}

// Of 256 values, those from `begin` on. `codes` are zero before.
__device__ inline void decode_pair_block(DType dtype, SharedBytes block, int begin,
                                         CodedRun<1>& run) {
  const int nibbles = 32 * (begin / 64);
  if (dtype == DType::kQ4_K) {
    add_codes(block + 16 + nibbles, begin % 64 / 8, 4, 0, run.codes);
  } else {
    add_codes(block + 48 + nibbles, begin % 64 / 8, 4, 0, run.codes);
    add_codes(block + 16, begin / 32, 1, 4, run.codes);
  }
  const auto [scale, minimum] = numerics::scale_and_minimum((block + 4).pointer(), begin / 32);
  run.steps[0] = load_f16(block) * static_cast<float>(scale);
  run.minima[0] = load_f16(block + 2) * static_cast<float>(minimum);
}

// The same of formats whose scales are of 32 values, small blocks and large ones.
__device__ inline void decode_block(DType dtype, SharedBytes block, int begin, CodedRun<1>& run) {
  if (dtype == DType::kQ4_K || dtype == DType::kQ5_K) {
    return decode_pair_block(dtype, block, begin, run);
  }
  run.steps[0] = load_f16(block);
  switch (dtype) {
    case DType::kQ8_0: load_words<32>(block + 2, run.codes);
#pragma unroll
      for (uint32_t& codes : run.codes) codes ^= 0x80808080u;
      run.offset = 128;
      break;
    case DType::kQ4_0:
      add_nibbles(block + 2, run.codes);
      run.offset = 8;
      break;
    case DType::kQ4_1:
      add_nibbles(block + 4, run.codes);
      run.minima[0] = -load_f16(block + 2);
      break;
    case DType::kQ5_0:
      add_five_bits(block + 2, run.codes);
      run.offset = 16;
      break;
    default:
      add_five_bits(block + 4, run.codes);
      run.minima[0] = -load_f16(block + 2);
      break;
  }
}

// The same of formats whose scales are of 16 values.
__device__ inline void decode_block(DType dtype, SharedBytes block, int begin, CodedRun<2>& run) {
  const int chunk = begin / 128;
  const int group = begin / 16;
  const int quarter = begin % 128 / 32;  // of the chunk
  switch (dtype) {
    case DType::kQ2_K: add_codes(block + 16 + 32 * chunk, 2 * quarter, 2, 0, run.codes);
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        run.steps[i] = load_f16(block + 80) * static_cast<float>(block[group + i] & 15);
        run.minima[i] = load_f16(block + 82) * static_cast<float>(block[group + i] >> 4);
      }
      break;
    case DType::kQ3_K:
      add_codes(block + 32 + 32 * chunk, 2 * quarter, 2, 0, run.codes);
      add_codes(block, begin / 32, 1, 2, run.codes);
      run.offset = 4;
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        run.steps[i] = load_f16(block + 108) *
                       static_cast<float>(numerics::q3_k_scale((block + 96).pointer(), group + i));
      }
      break;
    default:  // Q6_K
      add_codes(block + 64 * chunk + begin % 64, quarter / 2 * 4, 4, 0, run.codes);
      add_codes(block + 128 + 32 * chunk, 2 * quarter, 2, 4, run.codes);
      run.offset = 32;
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        run.steps[i] =
            load_f16(block + 208) * static_cast<float>(static_cast<int8_t>(block[192 + group + i]));
      }
      break;
  }
}

template <int kGroups>
__device__ inline void decode_run(const CodedRun<kGroups>& run, LaneRuns& x) {
  constexpr int kOfGroup = kLaneColumns / kGroups;
#pragma unroll
  for (int i = 0; i < kLaneColumns; ++i) {
    const float code = device::byte_above_2_23(run.codes[i / 4], i % 4) - (8388608.0f + run.offset);
    x[i / kRun][i % kRun] = fmaf(run.steps[i / kOfGroup], code, -run.minima[i / kOfGroup]);
  }
}

// The same in f16, times kPairScale: what weights have from 1e-6 to 1000 keeps its bits. A number
// is rounded once, and steps before that. As much of a minimum as is a whole number of steps is
// taken from the codes, exactly: rounded by itself it would move a whole block the same way.
constexpr float kPairScale = 64;
template <int kGroups>
__device__ inline void decode_run(const CodedRun<kGroups>& run, LanePairs& x) {
  constexpr int kOfGroup = kLaneColumns / kGroups;
  const auto twice = [](float value) { return device::pack_f16x2(value, value); };
#pragma unroll
  for (int group = 0; group < kGroups; ++group) {
    constexpr float kMostWhole = 512;
    const float step = run.steps[group];
    const float minimum = run.minima[group];
    // A step of 0 makes it NaN or either limit; the codes do not count then.
    const float whole =
        fminf(fmaxf(rintf(minimum * device::reciprocal_approx(step)), -kMostWhole), kMostWhole);
    const uint32_t zero = twice(1024.0f + run.offset + whole);
    const uint32_t steps = twice(kPairScale * step);
    const uint32_t rest = twice(kPairScale * fmaf(step, whole, -minimum));
#pragma unroll
    for (int i = 0; i < kOfGroup; i += 2) {
      const int at = group * kOfGroup + i;
      const uint32_t codes =
          device::subtract_f16x2(device::two_bytes_above_1024(run.codes[at / 4], at % 4), zero);
      x[at / kRun][at % kRun / 2] = device::fma_f16x2(steps, codes, rest);
    }
  }
}

// Rows of blocks as they are stored.
struct BlockBytes {
  const uint8_t* from;
  const uint8_t* end;  // of all rows
  int64_t row_bytes;
  DType dtype;
  int block_width;
  int block_bytes;
};

// How many scales 32 neighbours have.
inline int scales_of_32(DType dtype) {
  return dtype == DType::kQ2_K || dtype == DType::kQ3_K || dtype == DType::kQ6_K ? 2 : 1;
}

// A source of scaled_rows.cuh without transform(). TakenRuns is LaneRuns or LanePairs, kGroups is
// scales_of_32().
template <typename TakenRuns, int kGroups>
struct BlockRows : BlockBytes {
  using Taken = TakenRuns;
  static constexpr int kMostBytes = kWarpColumns / numerics::kSmallBlock * 34;  // of a warp: Q8_0
  static constexpr int kWarpBytes = kMostBytes + 32;  // from and to a multiple of 16 in memory
  static constexpr int kTooLarge = 0;
  static constexpr bool kTwoRows = false;
  static constexpr int kShortBlocks = std::is_same_v<Taken, LanePairs> ? 4 : 3;
  template <typename>
  static constexpr RunOrder kOrder = RunOrder::kTogether;

  template <RunOrder kRuns>
  class Lane {
   public:
    __device__ Lane(const BlockRows& rows, int first_column, int width)
        : rows_(rows), from_(rows.from + first_column / rows.block_width * rows.block_bytes) {
      static_assert(kRuns == RunOrder::kTogether);
      const int columns = width < kWarpColumns ? width : kWarpColumns;
      bytes_ = device::kept(columns / rows.block_width * rows.block_bytes);
      const int column = column_of_run<kRuns>(0);
      block_ = device::kept(column < width ? column / rows.block_width * rows.block_bytes : -1);
    }

    // Up to 15 bytes before the part come along and up to 15 of the rows behind it.
    __device__ void start(int64_t row, unsigned char* to) const {
      const uint8_t* const first = from_ + row * rows_.row_bytes;
      const int before = beyond_16(first);
      const uint8_t* const chunks = first - before + device::lane() * 16;
      unsigned char* const places = to + device::lane() * 16;
      const int bytes_left = before + bytes_ - device::lane() * 16;
      constexpr int kCopied = device::kWarpSize * 16;
      if (rows_.end - first >= bytes_ + 15) {
#pragma unroll
        for (int copied = 0; copied < kWarpBytes; copied += kCopied) {
          if (copied < bytes_left) device::cp_async_16(places + copied, chunks + copied);
        }
        return;
      }
      // The end of all rows is within the last chunk or right behind it.
      const auto there = static_cast<int>(rows_.end - chunks);
#pragma unroll 1
      for (int copied = 0; copied < bytes_left; copied += kCopied) {
        if (there - copied >= 16) {
          device::cp_async_16(places + copied, chunks + copied);
        } else {
#pragma unroll 1
          for (int i = copied; i < there; ++i) places[i] = chunks[i];
        }
      }
    }
    __device__ void take(const unsigned char* shared, int64_t row, Taken& x) const {
      CodedRun<kGroups> run = {};
      if (block_ >= 0) {
        const SharedBytes block{shared, beyond_16(from_ + row * rows_.row_bytes) + block_};
        decode_block(rows_.dtype, block, column_of_run<kRuns>(0) % numerics::kLargeBlock, run);
      }
      decode_run(run, x);
    }

   private:
    // How far behind a multiple of 16 an address is.
    static __device__ int beyond_16(const uint8_t* address) {
      return static_cast<int>(reinterpret_cast<uintptr_t>(address) % 16);
    }

    const BlockRows& rows_;
    const uint8_t* from_;
    int bytes_;  // of the warp's part of a row
    int block_;  // where the lane's block starts in it; -1 where there is none
  };
  __device__ float factor(int64_t) const {
    return std::is_same_v<Taken, LanePairs> ? 1 / kPairScale : 1;
  }
};

}  // namespace reel::cuda
