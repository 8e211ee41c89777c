// SPDX-License-Identifier: Apache-2.0
// The matrix unit (Intel AMX): eight tiles of 16 rows x 64 bytes, and products of bf16 tiles.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reel::cpu::amx {

constexpr int64_t kTileRows = 16;
constexpr int64_t kLineBytes = 64;
constexpr int64_t kTileBytes = kTileRows * kLineBytes;
constexpr int64_t kStep = 32;  // bf16 numbers in a line: what one tile product sums over
constexpr int64_t kBlock = 2 * kTileRows;        // rows and columns of a 2 x 2 group of results
constexpr int64_t kPairBytes = 2 * kTileBytes;   // of the two operand tiles of a step
constexpr int64_t kGroupBytes = 4 * kTileBytes;  // of a group's results

// Whether the CPU has the unit and the system lets this process use it; asks the system once.
bool available();

struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t line_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
inline constexpr TileShapes kFullTiles;

// The tiles of the calling thread, all of the full shape, for as long as this lives.
class Tiles {
 public:
  Tiles() { asm volatile("ldtilecfg %0" ::"m"(kFullTiles)); }
  ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

template <int kTile>
inline void load_tile(const std::byte* from) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(kLineBytes), "i"(kTile) : "memory");
}

template <int kTile>
inline void store_tile(std::byte* to) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(kLineBytes), "i"(kTile) : "memory");
}

template <int kTile>
inline void zero_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}

// sum[r][c] += a[r][2p] b[p][2c] + a[r][2p + 1] b[p][2c + 1] over the 16 p, in f32.
template <int kSum, int kA, int kB>
inline void multiply_bf16() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kA), "i"(kB));
}

// A group of 32 x 32 sums over `steps` steps. Both operands lie as pairs of tiles, one pair a step.
struct GroupProduct {
  const std::byte* a;  // two tiles of 16 rows each
  const std::byte* b;  // two tiles of 16 columns each
  std::byte* sums;     // four tiles: rows 0-15 (columns 0-15, 16-31), rows 16-31
  int64_t steps;
  bool adds;               // to the sums that are there
  const std::byte* ahead;  // one tile a step is fetched from here into the cache; null for none
  bool streams_a = false;  // `a` goes on beyond the steps: fetched from the second-level cache
};

constexpr int64_t kStepsAhead = 2;  // that a streamed `a` is fetched before it is multiplied

inline void multiply_group(const GroupProduct& args) {
  if (args.adds) {
    load_tile<0>(args.sums);
    load_tile<1>(args.sums + kTileBytes);
    load_tile<2>(args.sums + 2 * kTileBytes);
    load_tile<3>(args.sums + 3 * kTileBytes);
  } else {
    zero_tile<0>();
    zero_tile<1>();
    zero_tile<2>();
    zero_tile<3>();
  }
  const std::byte* a = args.a;
  const std::byte* b = args.b;
  const std::byte* ahead = args.ahead;
  for (int64_t step = 0; step < args.steps; ++step) {
    load_tile<6>(b);
    load_tile<4>(a);
    load_tile<7>(b + kTileBytes);
    load_tile<5>(a + kTileBytes);
    multiply_bf16<0, 4, 6>();
    multiply_bf16<1, 4, 7>();
    multiply_bf16<2, 5, 6>();
    multiply_bf16<3, 5, 7>();
    if (args.streams_a) {
      for (int64_t at = 0; at < kPairBytes; at += kLineBytes) {
        __builtin_prefetch(a + kStepsAhead * kPairBytes + at, 0, 3);
      }
    }
    a += kPairBytes;
    b += kPairBytes;
    if (ahead != nullptr) {
      for (int64_t at = 0; at < kTileBytes; at += kLineBytes) {
        __builtin_prefetch(ahead + at, 0, 2);
      }
      ahead += kPairBytes;
    }
  }
  store_tile<0>(args.sums);
  store_tile<1>(args.sums + kTileBytes);
  store_tile<2>(args.sums + 2 * kTileBytes);
  store_tile<3>(args.sums + 3 * kTileBytes);
}

// Where row `row`, columns 0-15 of a group's sums begin; columns 16-31 are a tile further.
inline float* sums_of_row(std::byte* sums, int64_t row) {
  return reinterpret_cast<float*>(sums + row / kTileRows * kPairBytes +
                                  row % kTileRows * kLineBytes);
}

}  // namespace reel::cpu::amx
