// SPDX-License-Identifier: Apache-2.0
// What the kernels of convolutions share: how a block's pixels, with a border of one, and its
// weights come to shared memory, and how sums leave.
//
// Shared memory holds planes of 16-byte chunks: pixel after pixel for inputs, channel after channel
// for weights.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/conv_job.h"
#include "backends/cuda/conv_layout.h"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/half.cuh"

namespace reel::cuda::conv_tile {

inline constexpr int kThreads = 128;
inline constexpr int kChunks = kConvSlice / kConvChunk;
inline constexpr int kTileCols = 16;
inline constexpr int kHaloCols = kTileCols + 2;

// The pixels of a tile of kTileRows x 16 and their border.
template <int kTileRows>
struct Halo {
  static constexpr int kPixels = (kTileRows + 2) * kHaloCols;
  // Chunks of four planes and two pixels, written together, lie in different banks.
  static constexpr int kPlane = (kPixels + 5) / 8 * 8 + 2;
  // Pixels are copied in rounds, a chunk by each thread.
  static constexpr int kRounds = (kPixels * kChunks + kThreads - 1) / kThreads;
  static_assert(kPlane >= kPixels && kPlane % 8 == 2);
};

struct Place {
  int row, col;  // of the tile's first pixel
  int out_tile;
};

template <int kTileRows>
__device__ inline Place place_of_block(const ConvJob& job) {
  return {.row = job.row_begin + static_cast<int>(blockIdx.z) * kTileRows,
          .col = static_cast<int>(blockIdx.y) * kTileCols,
          .out_tile = static_cast<int>(blockIdx.x)};
}

// Eight channels of a pixel, zeros beyond the first `count`. For widths that are not chunks.
template <typename T>
__device__ inline uint4 gather_chunk(const T* from, int count) {
  uint32_t words[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const uint32_t low = 2 * i < count ? from[2 * i].bits : 0u;
    const uint32_t high = 2 * i + 1 < count ? from[2 * i + 1].bits : 0u;
    words[i] = low | high << 16;
  }
  return {words[0], words[1], words[2], words[3]};
}

// Starts rounds [first, last) of copying the tile's pixels and their border. `wide`: pixels are
// whole chunks at multiples of 16 bytes.
template <int kTileRows, typename T>
__device__ inline void load_halo(const ConvJob& job, bool wide, const Place& place, const T* frame,
                                 int slice, int first, int last, uint4* halo) {
  using Shape = Halo<kTileRows>;
  const int chunk = static_cast<int>(threadIdx.x) % kChunks;
  const int channel = slice * kConvSlice + chunk * kConvChunk;
#pragma unroll 1
  for (int round = first; round < last; ++round) {
    const int pixel = round * (kThreads / kChunks) + static_cast<int>(threadIdx.x) / kChunks;
    if (pixel >= Shape::kPixels) return;
    const int row = place.row - 1 + pixel / kHaloCols;
    const int col = place.col - 1 + pixel % kHaloCols;
    const bool valid = frame != nullptr && channel < job.in_channels && row >= 0 &&
                       row < job.rows && col >= 0 && col < job.cols;
    const int64_t at =
        valid ? (int64_t{row} * job.cols + col) * job.in_channels + channel : int64_t{0};
    uint4* to = halo + chunk * Shape::kPlane + pixel;
    if (wide) {
      device::cp_async_16(to, frame + at, valid);
    } else {
      *to = gather_chunk(frame + at, valid ? job.in_channels - channel : 0);
    }
  }
}

// Starts copying the weights of one step: a run of memory.
template <int kTileOut>
__device__ inline void load_weights(const uint4* from, uint4* to) {
#pragma unroll
  for (int first = 0; first < kChunks * kTileOut; first += kThreads) {
    const int at = first + static_cast<int>(threadIdx.x);
    if (kChunks * kTileOut % kThreads != 0 && at >= kChunks * kTileOut) return;
    device::cp_async_16(to + at, from + at);
  }
}

// Four neighbouring channels of a pixel, where they lie at a multiple of their size.
template <typename T>
struct alignas(4 * sizeof(T)) Quad {
  T at[4];
};

// Channels [out, out + 4) of a pixel. kWhole: all four exist and lie at a multiple of their size.
template <bool kWhole, typename T>
__device__ inline Quad<T> load_quad(const T* from, int out, int out_channels) {
  if constexpr (kWhole) return *reinterpret_cast<const Quad<T>*>(from);
  Quad<T> quad = {};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (out + i < out_channels) quad.at[i] = from[i];
  }
  return quad;
}

template <bool kWhole, typename T>
__device__ inline void store_quad(T* to, int out, int out_channels, const Quad<T>& quad) {
  if constexpr (kWhole) {
    *reinterpret_cast<Quad<T>*>(to) = quad;
  } else {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (out + i < out_channels) to[i] = quad.at[i];
    }
  }
}

// A frame of the job without an index into an array: parameters have no addresses.
template <typename T>
__device__ inline const T* frame_of(const ConvJob& job, int tap) {
  return static_cast<const T*>(tap == 0 ? job.frames[0] : tap == 1 ? job.frames[1] : job.frames[2]);
}

}  // namespace reel::cuda::conv_tile
