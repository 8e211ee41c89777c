// SPDX-License-Identifier: Apache-2.0
// Convolution over channels-last frames as an implicit product: rows are pixels, columns output
// channels, and the inner axis walks taps, slices of input channels and kernel positions.
//
// Bound by the tensor cores at the decoder's widths. A tile of pixels, with a border of one, is
// copied to shared memory once per tap and slice; the nine kernel positions are nine shifted views
// of it. So a 3x3 kernel reads each input 1.27 times per tap and tile of output channels, and each
// weight once per tile of pixels. Nothing is padded in global memory: what lies outside the frame
// is copied as zeros, frames that are null are not visited.
//
// Shared memory holds planes of 16-byte chunks: pixel after pixel for inputs, channel after channel
// for weights. Eight neighbours fill 128 bytes, so ldmatrix meets no bank conflict at any shift.
#include <cuda_runtime.h>

#include <type_traits>

#include "backends/cuda/conv_tile.cuh"
#include "backends/cuda/conv_wgmma.h"
#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/ldmatrix.cuh"
#include "backends/cuda/device/mma.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"

namespace reel::cuda {
namespace {

using namespace conv_tile;

constexpr int kWarps = kThreads / device::kWarpSize;
constexpr int kStages = 4;    // of weights; three steps are in flight while one is multiplied
constexpr int kWarpRows = 4;  // pixel rows of a warp: 64 rows of the product

// Below this many tiles of 16 x 16 pixels a grid does not fill a large GPU: take 8 x 16. The sums
// are the same either way.
constexpr int64_t kFewTiles = 640;

template <int kTileRows, int kTileOut>
struct Tile {
  static constexpr int kWarpsDown = kTileRows / kWarpRows;
  static constexpr int kWarpsAcross = kWarps / kWarpsDown;
  static constexpr int kWarpOut = kTileOut / kWarpsAcross;
  static constexpr int kPairs = kWarpOut / 16;  // of 8 output channels each
  static constexpr int kPlane = Halo<kTileRows>::kPlane;
  static constexpr int kRounds = Halo<kTileRows>::kRounds;
  static_assert(kWarpOut % 16 == 0);

  struct Memory {
    uint4 halo[2][kChunks * kPlane];
    uint4 weights[kStages][kChunks * kTileOut];
  };
  // Registers for three blocks on a multiprocessor where the sums leave room.
  static constexpr int kBlocks = kPairs <= 3 ? 3 : 2;
  // The sums of a warp: [pixel row][group of 8 channels][as mma leaves them].
  using Sums = float[kWarpRows][2 * kPairs][4];
};

template <typename T>
__device__ void mma(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  if constexpr (std::is_same_v<T, Half>) {
    device::mma_f16(sums, a, b);
  } else {
    device::mma_bf16(sums, a, b);
  }
}

// Adds the products of one step. `halo` and `weights` are where this lane's ldmatrix rows start.
template <int kTileRows, int kTileOut, typename T>
__device__ void multiply_step(const uint4* halo, const uint4* weights,
                              typename Tile<kTileRows, kTileOut>::Sums& sums) {
  using Shape = Tile<kTileRows, kTileOut>;
#pragma unroll
  for (int half_slice = 0; half_slice < kChunks; half_slice += 2) {
    uint32_t pixels[kWarpRows][4];
#pragma unroll
    for (int row = 0; row < kWarpRows; ++row) {
      device::ldmatrix_x4(pixels[row], halo + half_slice * Shape::kPlane + row * kHaloCols);
    }
#pragma unroll
    for (int pair = 0; pair < Shape::kPairs; ++pair) {
      uint32_t both[4];
      device::ldmatrix_x4(both, weights + half_slice * kTileOut + pair * 16);
      const uint32_t left[2] = {both[0], both[1]};
      const uint32_t right[2] = {both[2], both[3]};
#pragma unroll
      for (int row = 0; row < kWarpRows; ++row) {
        mma<T>(sums[row][2 * pair], pixels[row], left);
        mma<T>(sums[row][2 * pair + 1], pixels[row], right);
      }
    }
  }
}

// Adds bias and residual and stores. Packing has ordered the channels of a pair so that a lane's
// four sums of a pixel are neighbours. A lane reads of the residual only what it then writes.
template <int kTileRows, int kTileOut, typename Out, bool kWhole>
__device__ void store_tile(const ConvJob& job, const Place& place,
                           const typename Tile<kTileRows, kTileOut>::Sums& sums) {
  using Shape = Tile<kTileRows, kTileOut>;
  const int warp_down = device::warp_in_block() % Shape::kWarpsDown;
  const int warp_across = device::warp_in_block() / Shape::kWarpsDown;
  const int first_row = place.row + warp_down * kWarpRows;
  const int first_col = place.col + device::lane() / 4;
  const int first_out =
      place.out_tile * kTileOut + warp_across * Shape::kWarpOut + device::lane() % 4 * 4;
  const int64_t row_elements = int64_t{job.cols} * job.out_channels;
  const auto* residual = static_cast<const Out*>(job.residual);
#pragma unroll
  for (int pair = 0; pair < Shape::kPairs; ++pair) {
    const int out = first_out + pair * 16;
    if (out >= job.out_channels) continue;
    float bias[4] = {};
    if (job.bias != nullptr) {
#pragma unroll
      for (int i = 0; i < 4; ++i) bias[i] = out + i < job.out_channels ? job.bias[out + i] : 0;
    }
#pragma unroll
    for (int side = 0; side < 2; ++side) {
      const int col = first_col + side * 8;
      if (col >= job.cols) continue;
      const int64_t at = first_row * row_elements + int64_t{col} * job.out_channels + out;
      // All loads before the first store: the compiler may not swap them.
      Quad<Out> added[kWarpRows] = {};
#pragma unroll
      for (int row = 0; row < kWarpRows; ++row) {
        if (residual == nullptr || first_row + row >= job.row_end) continue;
        added[row] = load_quad<kWhole>(residual + at + row * row_elements, out, job.out_channels);
      }
#pragma unroll
      for (int row = 0; row < kWarpRows; ++row) {
        if (first_row + row >= job.row_end) continue;
        Quad<Out> quad;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          float y = sums[row][2 * pair + i / 2][2 * side + i % 2] + bias[i];
          if (residual != nullptr) y += device::load_as_float(added[row].at[i]);
          if (job.relu && y < 0) y = 0;
          device::store_from_float(quad.at[i], y);
        }
        store_quad<kWhole>(static_cast<Out*>(job.out) + at + row * row_elements, out,
                           job.out_channels, quad);
      }
    }
  }
}

// T is f32 or that of the operands.
template <int kTileRows, int kTileOut, typename T>
__device__ void store_tile_as(const ConvJob& job, bool is_f32, bool whole, const Place& place,
                              const typename Tile<kTileRows, kTileOut>::Sums& sums) {
  if (is_f32) {
    if (whole) return store_tile<kTileRows, kTileOut, float, true>(job, place, sums);
    return store_tile<kTileRows, kTileOut, float, false>(job, place, sums);
  }
  if (whole) return store_tile<kTileRows, kTileOut, T, true>(job, place, sums);
  store_tile<kTileRows, kTileOut, T, false>(job, place, sums);
}

// One block computes kTileRows x 16 pixels of kTileOut channels; a warp 4 x 16 pixels. grid = tiles
// of channels, of columns, of rows; block = kThreads; shared = Tile::Memory.
template <int kTileRows, int kTileOut, typename T>
__global__ void __launch_bounds__(kThreads, Tile<kTileRows, kTileOut>::kBlocks)
    conv_kernel(ConvJob job, ConvVariant variant) {
  using Shape = Tile<kTileRows, kTileOut>;
  const device::Shared<typename Shape::Memory> memory;
  const Place place = place_of_block<kTileRows>(job);
  const int slices = (job.in_channels + kConvSlice - 1) / kConvSlice;
  const int positions = job.kernel_rows * job.kernel_cols;

  constexpr int kStepChunks = kChunks * kTileOut;
  int steps_to_load = job.taps * slices * positions;
  const int64_t first_step =
      (int64_t{place.out_tile} * variant.weight_taps + job.first_tap) * slices * positions;
  const uint4* next_weights = static_cast<const uint4*>(job.weight) + first_step * kStepChunks;

  // Where this lane's rows of ldmatrix lie: pixel lane % 16 of chunk lane / 16; channel of chunk
  // lane / 8 % 2.
  const int lane = device::lane();
  const int warp_down = device::warp_in_block() % Shape::kWarpsDown;
  const int warp_across = device::warp_in_block() / Shape::kWarpsDown;
  const int halo_at = lane / 16 * Shape::kPlane + lane % 16 + warp_down * kWarpRows * kHaloCols +
                      (1 - job.kernel_rows / 2) * kHaloCols + 1 - job.kernel_cols / 2;
  const int weights_at =
      lane / 8 % 2 * kTileOut + lane / 16 * 8 + lane % 8 + warp_across * Shape::kWarpOut;

  typename Shape::Sums sums = {};

  // Copies of step s + kStages - 1 start once step s - 1 is done with its stage. The pixels of the
  // next slice go to the other half of `halo` meanwhile, a few rounds at each of nine positions.
  const int rounds_per_step = positions == 9 ? (Shape::kRounds + 5) / 6 : Shape::kRounds;
  if (job.taps > 0) {
    load_halo<kTileRows, T>(job, variant.wide, place, frame_of<T>(job, 0), 0, 0, Shape::kRounds,
                            memory->halo[0]);
  }
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage < steps_to_load) {
      load_weights<kTileOut>(next_weights, memory->weights[stage]);
      next_weights += kStepChunks;
    }
    device::cp_async_commit();
  }
  steps_to_load -= kStages - 1;

  int stage = 0;
  int half = 0;
  for (int tap = 0; tap < job.taps; ++tap) {
    for (int slice = 0; slice < slices; ++slice) {
      const int next_slice = slice + 1 < slices ? slice + 1 : 0;
      const int next_tap = slice + 1 < slices ? tap : tap + 1;
      for (int kernel_row = 0; kernel_row < job.kernel_rows; ++kernel_row) {
        for (int kernel_col = 0; kernel_col < job.kernel_cols; ++kernel_col) {
          if (positions < kStages - 1) {
            device::cp_async_wait<0>();  // the pixels came one step ago
          } else {
            device::cp_async_wait<kStages - 2>();
          }
          device::sync_block();

          if (next_tap < job.taps) {
            const int first = (kernel_row * job.kernel_cols + kernel_col) * rounds_per_step;
            load_halo<kTileRows, T>(job, variant.wide, place, frame_of<T>(job, next_tap),
                                    next_slice, first, first + rounds_per_step,
                                    memory->halo[1 - half]);
          }
          if (steps_to_load > 0) {
            load_weights<kTileOut>(next_weights, memory->weights[(stage + kStages - 1) % kStages]);
            next_weights += kStepChunks;
            --steps_to_load;
          }
          device::cp_async_commit();

          multiply_step<kTileRows, kTileOut, T>(
              memory->halo[half] + halo_at + kernel_row * kHaloCols + kernel_col,
              memory->weights[stage] + weights_at, sums);
          stage = (stage + 1) % kStages;
        }
      }
      half = 1 - half;
    }
  }
  store_tile_as<kTileRows, kTileOut, T>(job, variant.is_f32, variant.whole, place, sums);
}

// The order of channels in a group of 16 that makes a lane's sums neighbours: columns 2t, 2t + 1 of
// the left mma and of the right one are channels 4t to 4t + 3.
__device__ int channel_of_column(int column) {
  return column % 8 / 2 * 4 + column / 8 * 2 + column % 2;
}

// One thread per packed element. grid covers them, block = kThreads, no shared memory.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    pack_conv_kernel(const float* from, ConvShape shape, ConvOrder order, ConvLayout layout, T* to,
                     int64_t elements) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= elements) return;
  int64_t rest = at;
  const auto take = [&rest](int64_t count) {
    const int64_t index = rest % count;
    rest /= count;
    return index;
  };
  const int64_t in_chunk = take(kConvChunk);
  const int64_t column = take(layout.tile_out);
  const int64_t chunk = take(kChunks);
  const int64_t position = take(layout.positions);
  const int64_t in = take(layout.slices) * kConvSlice + chunk * kConvChunk + in_chunk;
  const int64_t tap = take(shape.taps);
  const int64_t out =
      rest * layout.tile_out + column / 16 * 16 + channel_of_column(static_cast<int>(column % 16));
  const bool is_real = in < shape.in_channels && out < shape.out_channels;
  const int64_t from_at = order.first + out * order.out_stride + in * order.in_stride +
                          tap * order.tap_stride + position;
  device::store_from_float(to[at], is_real ? from[from_at] : 0.0f);
}

bool is_multiple(const void* pointer, uintptr_t bytes) {
  return reinterpret_cast<uintptr_t>(pointer) % bytes == 0;
}

bool has_whole_chunks(const ConvJob& job) {
  for (int tap = 0; tap < job.taps; ++tap) {
    if (!is_multiple(job.frames[tap], 16)) return false;
  }
  return job.in_channels % kConvChunk == 0;
}

ConvVariant conv_variant(const ops::ConvArgs& args, const ConvJob& job, const ConvLayout& layout) {
  const auto quad_bytes = static_cast<uintptr_t>(storage_bytes(args.out_dtype, 4));
  return {.weight_taps = static_cast<int>(args.weight.shape.taps),
          .out_tiles = static_cast<int>(layout.out_tiles),
          .wide = has_whole_chunks(job),
          .whole = job.out_channels % 4 == 0 && is_multiple(job.out, quad_bytes) &&
                   is_multiple(job.residual, quad_bytes),
          .is_f32 = args.out_dtype == DType::kF32};
}

template <int kTileRows, int kTileOut, typename T>
void launch_conv(const ConvJob& job, const ConvVariant& variant, Stream stream) {
  const int row_tiles = (job.row_end - job.row_begin + kTileRows - 1) / kTileRows;
  const int col_tiles = (job.cols + kTileCols - 1) / kTileCols;
  launch("conv", conv_kernel<kTileRows, kTileOut, T>,
         {.grid = dim3(static_cast<unsigned>(variant.out_tiles), static_cast<unsigned>(col_tiles),
                       static_cast<unsigned>(row_tiles)),
          .block = kThreads,
          .shared_bytes = sizeof(typename Tile<kTileRows, kTileOut>::Memory),
          .stream = static_cast<cudaStream_t>(stream.handle)},
         job, variant);
}

bool takes_wgmma([[maybe_unused]] const ConvLayout& layout) {
#ifdef REEL_WITH_WGMMA
  return fits_conv_wgmma(layout);
#else
  return false;
#endif
}

template <typename T>
void conv_16_bit(const ops::ConvArgs& args, const ConvJob& job, Stream stream) {
  const ConvLayout layout = conv_layout(args.weight.shape);
  const ConvVariant variant = conv_variant(args, job, layout);
  const int64_t tiles = layout.out_tiles * ((job.row_end - job.row_begin + 15) / 16) *
                        ((job.cols + kTileCols - 1) / kTileCols);
#ifdef REEL_WITH_WGMMA
  if (takes_wgmma(layout) && job.taps > 0) {
    return conv_wgmma(job, variant, args.dtype, tiles < kFewTiles, stream);
  }
#endif
  switch (layout.tile_out) {
    case 96:
      if (tiles < kFewTiles) return launch_conv<8, 96, T>(job, variant, stream);
      return launch_conv<16, 96, T>(job, variant, stream);
    case 64: return launch_conv<16, 64, T>(job, variant, stream);
    case 48: return launch_conv<16, 48, T>(job, variant, stream);
    case 32: return launch_conv<16, 32, T>(job, variant, stream);
    default: return launch_conv<16, 16, T>(job, variant, stream);
  }
}

template <typename T>
void pack_conv_16_bit(const ops::PackConvArgs& args, Stream stream) {
  const ConvLayout layout = conv_layout(args.shape);
  const int64_t elements = layout.out_tiles * args.shape.taps * layout.tap_elements();
  launch("pack_conv", pack_conv_kernel<T>,
         {.grid = dim3(static_cast<unsigned>((elements + kThreads - 1) / kThreads)),
          .block = kThreads,
          .stream = static_cast<cudaStream_t>(stream.handle)},
         args.from, args.shape, conv_order(args.shape, args.newest_first), layout,
         static_cast<T*>(args.to), elements);
}

}  // namespace

int64_t packed_conv_bytes(DType dtype, const ConvShape& shape) {
  if (dtype == DType::kF32) {
    const int64_t padded_out =
        (shape.out_channels + kExactConvOut - 1) / kExactConvOut * kExactConvOut;
    return storage_bytes(
        dtype, padded_out * shape.in_channels * shape.taps * shape.kernel_rows * shape.kernel_cols);
  }
  const ConvLayout layout = conv_layout(shape);
  return storage_bytes(dtype, layout.out_tiles * shape.taps * layout.tap_elements());
}

void pack_conv(const ops::PackConvArgs& args, Stream stream) {
  with_element_type(args.dtype, [&]<typename T>(T) {
    if constexpr (std::is_same_v<T, float>) {
      pack_conv_exact(args, stream);
    } else {
      pack_conv_16_bit<T>(args, stream);
    }
  });
}

const char* which_conv(const ops::ConvArgs& args) {
  if (args.dtype == DType::kF32) return "plain";
  return takes_wgmma(conv_layout(args.weight.shape)) ? "wgmma" : "mma.sync";
}

void conv(const ops::ConvArgs& args, Stream stream) {
  if (args.row_begin >= args.row_end || args.cols == 0) return;
  const ConvJob job = conv_job(args);
  with_element_type(args.dtype, [&]<typename T>(T) {
    if constexpr (std::is_same_v<T, float>) {
      conv_exact(job, args.out_dtype, stream);
    } else {
      conv_16_bit<T>(args, job, stream);
    }
  });
}

}  // namespace reel::cuda
