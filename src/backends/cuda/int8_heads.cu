// SPDX-License-Identifier: Apache-2.0
// From projections to the queries and keys of 8-bit attention. Bound by memory: x is read once, 16
// bytes at a time, and every result written once; the mean of every 16th row reads 1/16 of x
// before. While a head is computed, the next ones' part of x is copied to shared memory. x and all
// results start at multiples of 16 bytes.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "backends/cuda/device/approx.cuh"
#include "backends/cuda/device/barrier.cuh"
#include "backends/cuda/device/bytes.cuh"
#include "backends/cuda/device/cp_async.cuh"
#include "backends/cuda/device/half.cuh"
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/shuffle.cuh"
#include "backends/cuda/device/warp.cuh"
#include "backends/cuda/element_type.h"
#include "backends/cuda/head_means.cuh"
#include "backends/cuda/head_norm.cuh"
#include "backends/cuda/kernels.h"
#include "backends/cuda/launch.cuh"
#include "backends/cuda/processors.h"
#include "backends/cuda/row_runs.cuh"
#include "backends/cuda/row_warps.cuh"
#include "backends/cuda/scaled_runs.cuh"
#include "backends/cuda/tensor_rotation.cuh"
#include "backends/cuda/warp_numbers.cuh"

namespace reel::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / device::kWarpSize;
constexpr int kTileRows = ops::kInt8KeyTile;
constexpr int kBlocks = 2;  // of a multiprocessor
constexpr int kAhead = 2;   // heads
constexpr int kWarpRows = kWarpColumns / kHeadDim;
static_assert(kWarps * kWarpRows == kTileRows);

// Keys 2 g, 2 g + 1 and all that are multiples of eight further on share scale g: two warps' rows,
// which wait for each other and for nobody else.
constexpr int kGroupWarps = kWarps / static_cast<int>(ops::kInt8KeyScales);
constexpr int kGroupThreads = kGroupWarps * device::kWarpSize;
static_assert(kGroupWarps == 2);

// Where in a tile the rows of a warp are.
template <bool kKeys>
struct WarpRows {
  static constexpr int kGroupStep = kTileRows / kWarpRows;  // between two keys and the next two
  static __device__ int first(int warp) {
    if (!kKeys) return warp * kWarpRows;
    return warp / kGroupWarps * 2 + warp % kGroupWarps * (kTileRows / kGroupWarps);
  }
  // How much further on row `row` of the warp is. That of a sum is the sum, where one of both is 0,
  // or one is even and the other 1.
  static __device__ constexpr int at(int row) {
    return kKeys ? row % 2 + row / 2 * kGroupStep : row;
  }
};

template <typename T>
struct Heads {
  const T* x;  // [rows, heads * 128]
  ops::HeadNorm norm;
  const float* mean;  // [heads, 128], taken away from keys
  int8_t* numbers;    // [heads, padded rows, 128]
  float* scales;
  int64_t rows, padded_rows, heads;
  int64_t heads_per_block;  // share the norms and rotations of 64 rows
};

// A head's weights or means. Lanes read 32 columns apart; the gaps keep them off each other's
// banks.
constexpr int kColumnGap = 4;
using HeadFloats = float[(kLaneColumns + kColumnGap) * kBlockLanes];

__device__ inline int place_of(int column) { return column + column / kLaneColumns * kColumnGap; }

// Behind it lie the weights of the block's heads, and behind these the means.
template <typename T>
struct QuantiseShared {
  // By parity of the head, so that one barrier a head is enough.
  float largest[2][kWarps];
  // The next heads of the warps' rows: 16-byte chunks as warp_numbers.cuh places them.
  alignas(128) unsigned char next[kAhead][kWarps][kWarpColumns * sizeof(T)];
};

// Copies the warp's rows of one head after the other; rows that do not exist become zeros, and
// their addresses are not read. What of an address does not change is worked out once.
template <typename T, bool kKeys>
class HeadCopies {
 public:
  __device__ HeadCopies(const Heads<T>& problem, int64_t warp_row, int64_t head)
      : from_(problem.x + ((warp_row + first_row()) * problem.heads + head) * kHeadDim +
              Copy::column()),
        rows_left_(problem.rows - warp_row - first_row()),
        row_width_(problem.heads * kHeadDim) {}

  // Starts copying the next head.
  __device__ void start_next(unsigned char* to) {
#pragma unroll
    for (int copy = 0; copy < Copy::kCopies; ++copy) {
      const int rows = WarpRows<kKeys>::at(copy * Copy::kBlocks);
      device::cp_async_16(to + places_[copy], from_ + rows * row_width_, rows < rows_left_);
    }
    from_ += kHeadDim;
  }

 private:
  using Copy = WarpCopy<T>;
  static_assert(Copy::kBlocks <= 2);
  static __device__ int first_row() { return WarpRows<kKeys>::at(Copy::block(0)); }

  const T* from_;
  int64_t rows_left_, row_width_;
  const CopyPlaces<T, RunOrder::kTogether> places_;
};

// Starts copying; all threads of the block call.
__device__ inline void copy_heads(const float* from, int64_t heads, HeadFloats* to) {
  constexpr int kFours = kHeadDim / 4;
  for (int at = static_cast<int>(threadIdx.x); at < static_cast<int>(heads) * kFours;
       at += kThreads) {
    device::cp_async_16(&to[at / kFours][place_of(at % kFours * 4)], from + 4 * at);
  }
}

// rope(norm(x)), of keys less their mean, or less nothing where `exists` is 0 and not 1: zeros stay
// zeros. The lane's columns start at `first_place`.
template <bool kKeys>
__device__ inline void normalise_runs(const HeadFloats& weights, const HeadFloats& means,
                                      int first_place, float exists, const LaneRuns& angles,
                                      LaneRuns& x) {
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
    const int place = first_place + run * kRun;
    Floats weight;
    load_whole_run(weights + place, weight);
    normalise(x[run], weight, angles[run]);
    if (!kKeys) continue;
    Floats mean;
    load_whole_run(means + place, mean);
#pragma unroll
    for (int i = 0; i < kRun; ++i) x[run][i] = fmaf(-exists, mean[i], x[run][i]);
  }
}

// Over the lanes that have the same two rows after the rotation.
__device__ inline float largest_of_rows(float value) {
#pragma unroll
  for (int mask = device::kWarpSize / 2; mask >= kBlockLanes; mask /= 2) {
    value = device::larger_magnitude(value, device::shuffle_xor(value, mask));
  }
  return value;
}

// Of all rows of the warp and the other one that has the group's keys.
__device__ inline float largest_of_group(float mine, float (&of_warps)[kWarps]) {
  const int warp = device::warp_in_block();
  const float of_warp = device::warp_amax(mine);
  if (device::lane() == 0) of_warps[warp] = of_warp;
  device::sync_part<kGroupThreads>(1 + warp / kGroupWarps);
  return device::larger_magnitude(of_warp, of_warps[warp ^ 1]);
}

// grid = (groups of heads, tiles of 64 padded rows), block = kThreads, shared = QuantiseShared and
// what lies behind it.
// A warp has eight rows: four lanes a row of a head, and after the rotation, which takes f16, eight
// lanes two rows.
template <typename T, bool kKeys>
__global__ void __launch_bounds__(kThreads, kBlocks) quantise_heads_kernel(Heads<T> problem) {
  const device::Shared<QuantiseShared<T>> shared;
  auto* const weights = reinterpret_cast<HeadFloats*>(&*shared + 1);
  HeadFloats* const means = weights + (kKeys ? problem.heads_per_block : 0);
  const int lane = device::lane();
  const int warp = device::warp_in_block();
  const int64_t first_row = int64_t{blockIdx.y} * kTileRows;
  using Rows = WarpRows<kKeys>;
  const int64_t warp_row = first_row + Rows::first(warp);
  const int64_t row = warp_row + Rows::at(lane / kBlockLanes);
  const float exists = row < problem.rows ? 1 : 0;
  const int64_t norm_row = row < problem.rows ? row : problem.rows - 1;

  const int64_t first_head = int64_t{blockIdx.x} * problem.heads_per_block;
  const int heads = static_cast<int>(problem.heads - first_head < problem.heads_per_block
                                         ? problem.heads - first_head
                                         : problem.heads_per_block);
  copy_heads(problem.norm.weight + first_head * kHeadDim, heads, weights);
  if (kKeys) copy_heads(problem.mean + first_head * kHeadDim, heads, means);
  device::cp_async_commit();
  HeadCopies<T, kKeys> copies(problem, warp_row, first_head);
#pragma unroll
  for (int head = 0; head < kAhead; ++head) {
    if (head < heads) copies.start_next(shared->next[head][warp]);
    device::cp_async_commit();
  }
  // Before the sums are waited for.
  LaneRuns angles;
#pragma unroll
  for (int run = 0; run < kLaneRuns; ++run) {
    load_angles(problem.norm.rope, norm_row, lane % kBlockLanes * kLaneColumns + run * kRun,
                angles[run]);
  }
  const float inv_rms = inverse_rms(problem.norm, norm_row);
#pragma unroll
  for (auto& run : angles) multiply_angles(inv_rms, run);
  device::cp_async_wait<kAhead>();
  device::sync_block();

  // Of this lane: where its runs lie in shared memory, and its first results of a head.
  const int first_chunk =
      device::kept(warp * static_cast<int>(sizeof(shared->next[0][0])) + first_chunk_together<T>());
  const int first_place = device::kept(place_of(lane % kBlockLanes * kLaneColumns));
  using Rotation = TensorRotation<Half, RunOrder::kTogether>;
  const Rotation rotate;
  int8_t* numbers =
      problem.numbers +
      (first_head * problem.padded_rows + warp_row + Rows::at(Rotation::block_of_run(0))) *
          kHeadDim +
      Rotation::column_in_block(0);
  float* scales = problem.scales;
  int64_t scales_of_head = problem.padded_rows;
  if constexpr (kKeys) {
    scales_of_head = problem.padded_rows / kTileRows * ops::kInt8KeyScales;
    scales += first_head * scales_of_head + int64_t{blockIdx.y} * ops::kInt8KeyScales +
              warp / kGroupWarps;
  } else {
    scales += first_head * scales_of_head + warp_row + Rotation::block_of_run(0);
  }

  auto* const next = reinterpret_cast<unsigned char*>(shared->next);
  for (int head = 0; head < heads; ++head) {
    unsigned char* const stage = next + head % kAhead * static_cast<int>(sizeof(shared->next[0]));
    device::cp_async_wait<kAhead - 1>();
    device::sync_warp();
    LaneRuns x;
    take_together<T, RunFloats, widen_run>(stage, first_chunk, x);
    device::sync_warp();
    if (head + kAhead < heads) copies.start_next(stage + warp * sizeof(shared->next[0][0]));
    device::cp_async_commit();

    normalise_runs<kKeys>(weights[head], means[head], first_place, exists, angles, x);
    LanePairs pairs;
    round_to_pairs<Half>(x, pairs);
    LaneRuns y;
    rotate(pairs, y);

    float scale[2] = {amax_of_runs<2>(y), amax_of_runs<2>(y, 2)};
    if constexpr (kKeys) {
      const float largest =
          largest_of_group(device::larger_magnitude(scale[0], scale[1]), shared->largest[head % 2]);
      scale[0] = scale[1] = int8_scale_approx(largest * numerics::kRotationScale);
      if (warp % kGroupWarps == 0 && lane == 0) *scales = scale[0];
    } else {
#pragma unroll
      for (float& of_row : scale) {
        of_row = int8_scale_approx(largest_of_rows(of_row) * numerics::kRotationScale);
      }
      if (lane < kBlockLanes) *reinterpret_cast<float2*>(scales) = {scale[0], scale[1]};
    }
    scales += scales_of_head;
#pragma unroll
    for (int of_two = 0; of_two < 2; ++of_two) {
      const float factor = numerics::kRotationScale * device::reciprocal_approx(scale[of_two]);
      const uint2 low = rounded_run(y[2 * of_two], factor);
      const uint2 high = rounded_run(y[2 * of_two + 1], factor);
      *reinterpret_cast<uint4*>(numbers + of_two * kHeadDim) = {low.x, low.y, high.x, high.y};
    }
    numbers += problem.padded_rows * kHeadDim;
  }
}

template <typename T, bool kKeys>
size_t shared_bytes(int64_t heads_of_block) {
  return sizeof(QuantiseShared<T>) +
         static_cast<size_t>(heads_of_block) * sizeof(HeadFloats) * (kKeys ? 2 : 1);
}

// How many heads a block takes: what takes least time, a block's start being as long as two heads.
// More of them leave less shared memory for another block beside it; one fits everywhere.
template <typename T, bool kKeys>
int64_t heads_of_block(int64_t heads, int64_t tiles) {
  constexpr int64_t kMost = 40;
  const int64_t processors = processor_count();
  int64_t best = 1;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (int64_t groups = (heads + kMost - 1) / kMost; groups <= heads; ++groups) {
    const int64_t each = (heads + groups - 1) / groups;
    const int64_t at_once =
        processors * std::min<int64_t>(kBlocks, blocks_that_share(shared_bytes<T, kKeys>(each)));
    if (at_once == 0) continue;
    const int64_t time = (tiles * groups + at_once - 1) / at_once * (each + 2);
    if (time >= least) continue;
    least = time;
    best = each;
  }
  return best;
}

template <bool kKeys, typename Args>
void launch_quantise(const char* name, const Args& args, const float* mean, Stream stream) {
  const int64_t padded = ops::int8_padded(args.rows);
  with_element_type(args.dtype, [&]<typename T>(T) {
    const int64_t each = heads_of_block<T, kKeys>(args.heads, padded / kTileRows);
    launch(name, quantise_heads_kernel<T, kKeys>,
           {.grid = dim3(static_cast<unsigned>((args.heads + each - 1) / each),
                         static_cast<unsigned>(padded / kTileRows)),
            .block = kThreads,
            .shared_bytes = shared_bytes<T, kKeys>(each),
            .stream = static_cast<cudaStream_t>(stream.handle)},
           {.x = static_cast<const T*>(args.x),
            .norm = with_sums(args.norm, args.heads),
            .mean = mean,
            .numbers = args.numbers,
            .scales = args.scales,
            .rows = args.rows,
            .padded_rows = padded,
            .heads = args.heads,
            .heads_per_block = each});
  });
}

}  // namespace

void quantise_queries(const ops::QuantiseQueriesArgs& args, Stream stream) {
  launch_quantise<false>("quantise_queries", args, nullptr, stream);
}

void quantise_keys(const ops::QuantiseKeysArgs& args, Stream stream) {
  launch_mean<true>("mean_of_keys", args, with_sums(args.norm, args.heads), args.numbers, stream);
  launch_quantise<true>("quantise_keys", args, args.mean, stream);
}

}  // namespace reel::cuda
