// SPDX-License-Identifier: Apache-2.0
// The matrix unit (Intel AMX): eight tiles of 16 rows x 64 bytes, and products of bf16 and of INT8
// tiles. Both have the same layout of bytes: a step sums over what a line of 64 bytes holds.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reel::cpu::amx {

constexpr int64_t kTileRows = 16;
constexpr int64_t kLineBytes = 64;
constexpr int64_t kTileBytes = kTileRows * kLineBytes;
constexpr int64_t kBlock = 2 * kTileRows;        // rows and columns of a 2 x 2 group of results
constexpr int64_t kPairBytes = 2 * kTileBytes;   // of the two operand tiles of a step
constexpr int64_t kGroupBytes = 4 * kTileBytes;  // of a group's results

// Whether the CPU has the unit and the system lets this process use it; asks the system once.
bool available();

// Memory of the calling thread that grows to what the largest call needs.
std::byte* thread_scratch(int64_t bytes);

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

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
inline void load_tile(const std::byte* from, int64_t stride = kLineBytes) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile) : "memory");
}

template <int kTile>
inline void store_tile(std::byte* to) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(kLineBytes), "i"(kTile) : "memory");
}

template <int kTile>
inline void zero_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}

enum class Numbers : uint8_t { kBf16, kInt8 };

// kBf16: sum[r][c] += a[r][2p] b[p][2c] + a[r][2p + 1] b[p][2c + 1] over the 16 p, in f32.
// kInt8: the same with four signed bytes each, in INT32.
template <Numbers kNumbers, int kSum, int kA, int kB>
inline void multiply_tiles() {
  if constexpr (kNumbers == Numbers::kBf16) {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kA), "i"(kB));
  } else {
    asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kA), "i"(kB));
  }
}

inline void load_sums(const std::byte* sums) {
  load_tile<0>(sums);
  load_tile<1>(sums + kTileBytes);
  load_tile<2>(sums + 2 * kTileBytes);
  load_tile<3>(sums + 3 * kTileBytes);
}

inline void zero_sums() {
  zero_tile<0>();
  zero_tile<1>();
  zero_tile<2>();
  zero_tile<3>();
}

inline void store_sums(std::byte* sums) {
  store_tile<0>(sums);
  store_tile<1>(sums + kTileBytes);
  store_tile<2>(sums + 2 * kTileBytes);
  store_tile<3>(sums + 3 * kTileBytes);
}

// Adds the product of two pairs of tiles to the sums in tiles 0 to 3. Lines of `a` are `a_stride`
// bytes apart, its second tile begins after the 16 of the first.
template <Numbers kNumbers>
inline void multiply_pair(const std::byte* a, int64_t a_stride, const std::byte* b) {
  load_tile<6>(b);
  load_tile<4>(a, a_stride);
  load_tile<7>(b + kTileBytes);
  load_tile<5>(a + kTileRows * a_stride, a_stride);
  multiply_tiles<kNumbers, 0, 4, 6>();
  multiply_tiles<kNumbers, 1, 4, 7>();
  multiply_tiles<kNumbers, 2, 5, 6>();
  multiply_tiles<kNumbers, 3, 5, 7>();
}

// A group of 32 x 32 sums over `steps` steps. Both operands lie as pairs of tiles, one pair a step.
struct GroupProduct {
  const std::byte* a;  // two tiles of 16 rows each
  const std::byte* b;  // two tiles of 16 columns each
  std::byte* sums;     // four tiles: rows 0-15 (columns 0-15, 16-31), rows 16-31
  int64_t steps;
  bool adds;  // to the sums that are there
  // So many lines from here on are fetched into the second-level cache in each step.
  const std::byte* ahead = nullptr;
  int64_t lines_ahead = 0;
};

template <Numbers kNumbers>
inline void multiply_group(const GroupProduct& args) {
  args.adds ? load_sums(args.sums) : zero_sums();
  const std::byte* ahead = args.ahead;
  for (int64_t step = 0; step < args.steps; ++step) {
    multiply_pair<kNumbers>(args.a + step * kPairBytes, kLineBytes, args.b + step * kPairBytes);
    for (int64_t line = 0; line < args.lines_ahead; ++line, ahead += kLineBytes) {
      __builtin_prefetch(ahead, 0, 2);
    }
  }
  store_sums(args.sums);
}

// Where row `row`, columns 0-15 of a group's sums begin; columns 16-31 are a tile further.
inline float* sums_of_row(std::byte* sums, int64_t row) {
  return reinterpret_cast<float*>(sums + row / kTileRows * kPairBytes +
                                  row % kTileRows * kLineBytes);
}

}  // namespace reel::cpu::amx
