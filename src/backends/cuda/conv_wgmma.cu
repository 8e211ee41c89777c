// SPDX-License-Identifier: Apache-2.0
// The convolution of conv.cu on Hopper's own tensor-core instruction, for 96 output channels at a
// time. Compiled for compute capability 9.0 alone.
//
// 64 rows of a product are 8 x 8 pixels. In a plane of chunks the eight pixels of a row are 128
// bytes in a piece and the next row is a fixed distance away: that is what the instruction reads
// without swizzling, whatever chunk it starts at. So the nine kernel positions are shifted views
// here, too, and nothing goes through registers but the sums.
//
// Bound by the tensor cores and, nearly as much, by shared memory: a product of 64 x 96 x 16 takes
// 48 clocks of the first and 40 of the second.
#include <cuda_runtime.h>

#include <type_traits>

#include "backends/cuda/conv_tile.cuh"
#include "backends/cuda/conv_wgmma.h"
#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/device/wgmma.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"

namespace reel::cuda {
namespace {

using namespace conv_tile;

constexpr int kHopper = 90;
constexpr int kTileOut = 96;
constexpr int kPairs = kTileOut / 16;  // of eight output channels each
constexpr int kStages = 4;  // of weights; two steps are in flight while two are multiplied
constexpr int kAhead = kStages - 2;
constexpr int kPatch = 8;  // rows and columns of pixels of one product

template <int kTileRows>
struct Patches {
  static constexpr int kAcross = kTileCols / kPatch;
  static constexpr int kCount = kTileRows / kPatch * kAcross;
  // [patch][group of 8 channels: four sums of a lane]
  using Sums = float[kCount][4 * 2 * kPairs];
};

template <int kTileRows>
struct Memory {
  uint4 halo[2][kChunks * Halo<kTileRows>::kPlane];
  uint4 weights[kStages][kChunks * kTileOut];
};

template <typename T>
__device__ void wgmma(float (&sums)[48], uint64_t pixels, uint64_t weights, bool add) {
  if constexpr (std::is_same_v<T, Half>) {
    device::wgmma_f16_64x96(sums, pixels, weights, add);
  } else {
    device::wgmma_bf16_64x96(sums, pixels, weights, add);
  }
}

// Starts the products of one step; `add`: to the sums of those before it.
template <int kTileRows, typename T>
__device__ void multiply_step(uint64_t pixels, uint64_t weights, bool add,
                              typename Patches<kTileRows>::Sums& sums) {
  using Of = Patches<kTileRows>;
  device::wgmma_fence();
#pragma unroll
  for (int half_slice = 0; half_slice < kChunks; half_slice += 2) {
#pragma unroll
    for (int patch = 0; patch < Of::kCount; ++patch) {
      const int first = patch / Of::kAcross * kPatch * kHaloCols + patch % Of::kAcross * kPatch;
      wgmma<T>(sums[patch], pixels + half_slice * Halo<kTileRows>::kPlane + first,
               weights + half_slice * kTileOut, add || half_slice > 0);
    }
  }
  device::wgmma_commit();
}

// Adds bias and residual and stores. Lane 4 g + t of warp w has column g of rows 2 w and 2 w + 1 of
// each patch; packing has ordered the channels of a pair so that its four sums of a pixel are
// neighbours. A lane reads of the residual only what it then writes.
template <int kTileRows, typename Out, bool kWhole>
__device__ void store_tile(const ConvJob& job, const Place& place,
                           const typename Patches<kTileRows>::Sums& sums) {
  using Of = Patches<kTileRows>;
  const int first_row = place.row + 2 * device::warp_in_block();
  const int first_col = place.col + device::lane() / 4;
  const int first_out = place.out_tile * kTileOut + device::lane() % 4 * 4;
  const int64_t row_elements = int64_t{job.cols} * job.out_channels;
  const auto* residual = static_cast<const Out*>(job.residual);
#pragma unroll
  for (int pair = 0; pair < kPairs; ++pair) {
    const int out = first_out + pair * 16;
    if (out >= job.out_channels) continue;
    float bias[4] = {};
    if (job.bias != nullptr) {
#pragma unroll
      for (int i = 0; i < 4; ++i) bias[i] = out + i < job.out_channels ? job.bias[out + i] : 0;
    }
    const auto row_of = [&](int patch, int below) {
      return first_row + patch / Of::kAcross * kPatch + below;
    };
    const auto exists = [&](int patch, int below) {
      return row_of(patch, below) < job.row_end &&
             first_col + patch % Of::kAcross * kPatch < job.cols;
    };
    const auto at = [&](int patch, int below) {
      return row_of(patch, below) * row_elements +
             int64_t{first_col + patch % Of::kAcross * kPatch} * job.out_channels + out;
    };
    // All loads before the first store: the compiler may not swap them.
    Quad<Out> added[Of::kCount][2] = {};
    if (residual != nullptr) {
#pragma unroll
      for (int patch = 0; patch < Of::kCount; ++patch) {
#pragma unroll
        for (int below = 0; below < 2; ++below) {
          if (!exists(patch, below)) continue;
          added[patch][below] =
              load_quad<kWhole>(residual + at(patch, below), out, job.out_channels);
        }
      }
    }
#pragma unroll
    for (int patch = 0; patch < Of::kCount; ++patch) {
#pragma unroll
      for (int below = 0; below < 2; ++below) {
        if (!exists(patch, below)) continue;
        Quad<Out> quad;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          float y = sums[patch][8 * pair + i / 2 * 4 + 2 * below + i % 2] + bias[i];
          if (residual != nullptr) y += device::load_as_float(added[patch][below].at[i]);
          if (job.relu && y < 0) y = 0;
          device::store_from_float(quad.at[i], y);
        }
        store_quad<kWhole>(static_cast<Out*>(job.out) + at(patch, below), out, job.out_channels,
                           quad);
      }
    }
  }
}

// T is f32 or that of the operands.
template <int kTileRows, typename T>
__device__ void store_tile_as(const ConvJob& job, bool is_f32, bool whole, const Place& place,
                              const typename Patches<kTileRows>::Sums& sums) {
  if (is_f32) {
    if (whole) return store_tile<kTileRows, float, true>(job, place, sums);
    return store_tile<kTileRows, float, false>(job, place, sums);
  }
  if (whole) return store_tile<kTileRows, T, true>(job, place, sums);
  store_tile<kTileRows, T, false>(job, place, sums);
}

// Where a walk over taps, slices of channels and kernel positions is.
struct Step {
  int tap, slice, position;

  __device__ void next(int slices, int positions) {
    if (++position < positions) return;
    position = 0;
    if (++slice < slices) return;
    slice = 0;
    ++tap;
  }
};

// One block computes kTileRows x 16 pixels of 96 channels. grid = tiles of channels, of columns, of
// rows; block = kThreads, one warpgroup; shared = Memory. kNine: of kernel positions, else a few.
template <int kTileRows, typename T, bool kNine>
__global__ void __launch_bounds__(kThreads, 2) conv_wgmma_kernel(ConvJob job, ConvVariant variant) {
  using Shape = Halo<kTileRows>;
  const device::Shared<Memory<kTileRows>> memory;
  const Place place = place_of_block<kTileRows>(job);
  const int slices = (job.in_channels + kConvSlice - 1) / kConvSlice;
  const int positions = kNine ? 9 : job.kernel_rows * job.kernel_cols;
  const int kernel_cols = kNine ? 3 : job.kernel_cols;

  constexpr int kStepChunks = kChunks * kTileOut;
  const int steps = job.taps * slices * positions;
  const int64_t first_step =
      (int64_t{place.out_tile} * variant.weight_taps + job.first_tap) * slices * positions;
  const uint4* const weights = static_cast<const uint4*>(job.weight) + first_step * kStepChunks;

  const uint64_t first_pixel =
      device::wgmma_planes(memory->halo[0], Shape::kPlane * 16, kHaloCols * 16) +
      static_cast<uint64_t>((1 - job.kernel_rows / 2) * kHaloCols + 1 - job.kernel_cols / 2);
  const uint64_t first_weight = device::wgmma_planes(memory->weights[0], kTileOut * 16, 8 * 16);

  // Step s multiplies while step s - 1 may still be multiplying: copies of step s + kAhead go to
  // the stage of s - 2, and the next slice's pixels to the other half of `halo` from the second of
  // nine positions on.
  constexpr int kPending = kNine ? 1 : 0;
  constexpr int kRoundsPerStep = (Shape::kRounds + 5) / 6;
  load_halo<kTileRows, T>(job, variant.wide, place, frame_of<T>(job, 0), 0, 0, Shape::kRounds,
                          memory->halo[0]);
#pragma unroll
  for (int ahead = 0; ahead < kAhead; ++ahead) {
    if (ahead < steps)
      load_weights<kTileOut>(weights + ahead * kStepChunks, memory->weights[ahead]);
    device::cp_async_commit();
  }

  typename Patches<kTileRows>::Sums sums;
  Step at = {};
  int half = 0;
  for (int step = 0; step < steps; ++step) {
    device::cp_async_wait<kPending>();
    device::fence_for_wgmma();
    device::sync_block();

    const int kernel_row = at.position / kernel_cols;
    const int kernel_col = at.position - kernel_row * kernel_cols;
    multiply_step<kTileRows, T>(
        first_pixel + static_cast<uint64_t>(half * kChunks * Shape::kPlane +
                                            kernel_row * kHaloCols + kernel_col),
        first_weight + static_cast<uint64_t>(step % kStages * kStepChunks), step > 0, sums);

    Step next = {.tap = at.tap, .slice = at.slice, .position = positions - 1};
    next.next(slices, positions);  // the slice after this one
    if (next.tap < job.taps && (!kNine || at.position > 0)) {
      const int first = kNine ? (at.position - 1) * kRoundsPerStep : 0;
      load_halo<kTileRows, T>(job, variant.wide, place, frame_of<T>(job, next.tap), next.slice,
                              first, kNine ? first + kRoundsPerStep : Shape::kRounds,
                              memory->halo[1 - half]);
    }
    if (step + kAhead < steps) {
      load_weights<kTileOut>(weights + int64_t{step + kAhead} * kStepChunks,
                             memory->weights[(step + kAhead) % kStages]);
    }
    device::cp_async_commit();
    device::wgmma_wait<kPending>();
    at.next(slices, positions);
    if (at.position == 0) half = 1 - half;
  }
  device::wgmma_wait<0>();
  store_tile_as<kTileRows, T>(job, variant.is_f32, variant.whole, place, sums);
}

template <int kTileRows, typename T>
void launch_conv(const ConvJob& job, const ConvVariant& variant, Stream stream) {
  const int row_tiles = (job.row_end - job.row_begin + kTileRows - 1) / kTileRows;
  const int col_tiles = (job.cols + kTileCols - 1) / kTileCols;
  const bool nine = job.kernel_rows == 3 && job.kernel_cols == 3;
  launch("conv_wgmma",
         nine ? conv_wgmma_kernel<kTileRows, T, true> : conv_wgmma_kernel<kTileRows, T, false>,
         {.grid = dim3(static_cast<unsigned>(variant.out_tiles), static_cast<unsigned>(col_tiles),
                       static_cast<unsigned>(row_tiles)),
          .block = dim3(kThreads),
          .shared_bytes = sizeof(Memory<kTileRows>),
          .stream = static_cast<cudaStream_t>(stream.handle)},
         job, variant);
}

}  // namespace

bool fits_conv_wgmma(const ConvLayout& layout) {
  return layout.tile_out == kTileOut && compute_capability() == kHopper;
}

void conv_wgmma(const ConvJob& job, const ConvVariant& variant, DType dtype, bool few_rows,
                Stream stream) {
  const auto run = [&]<typename T>(T) {
    if (few_rows) return launch_conv<8, T>(job, variant, stream);
    launch_conv<16, T>(job, variant, stream);
  };
  if (dtype == DType::kF16) return run(Half{});
  run(BF16{});
}

}  // namespace reel::cuda
