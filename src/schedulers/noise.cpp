// SPDX-License-Identifier: Apache-2.0
// Follows PyTorch 2: ATen/native/cuda/DistributionTemplates.h (which thread draws which element),
// cuRAND's curand_normal4, and ATen/native/cpu/DistributionTemplates.h (normal_fill).
#include "schedulers/noise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "core/numerics/philox.h"
#include "schedulers/box_muller.h"

namespace reel::schedulers {
namespace {

constexpr int64_t kBlockThreads = 256;  // of PyTorch's random kernels
constexpr int64_t kGroup = 16;          // of PyTorch's CPU Box-Muller
constexpr float kTwoPi = 6.2831853071795864769f;

// How torch.randn spreads n elements over a GPU: element = call * 4 * threads + lane * threads +
// thread, where each thread draws four normals per call.
struct CudaDraw {
  uint64_t seed;
  uint64_t first_call;
  int64_t threads;
  int64_t elements;

  int64_t calls() const { return (elements - 1) / (4 * threads) + 1; }
};

// The four lanes of kNoiseTile neighbouring threads.
constexpr int64_t kNoiseTile = 256;
using Tile = std::array<std::array<float, kNoiseTile>, 4>;

NormalPair curand_pair(uint32_t x, uint32_t y) {
  constexpr float kScale = 2.3283064e-10f;  // 2^-32
  constexpr float kAngleScale = kScale * kTwoPi;
  const float u = static_cast<float>(x) * kScale + kScale / 2;
  // The GPU rounds product and sum once; a double holds the product exactly.
  const double angle = static_cast<double>(static_cast<float>(y)) * kAngleScale + kAngleScale / 2;
  return box_muller(u, static_cast<float>(angle));
}

void draw_tile(const CudaDraw& draw, int64_t call, int64_t first_thread, Tile& tile) {
  std::array<std::array<uint32_t, kNoiseTile>, 4> words;
  const uint64_t counter = draw.first_call + static_cast<uint64_t>(call);
  for (int64_t index = 0; index < kNoiseTile; ++index) {
    const auto thread = static_cast<uint64_t>(first_thread + index);
    const numerics::PhiloxWords four = numerics::philox4x32_10(draw.seed, thread, counter);
    words[0][index] = four.x;
    words[1][index] = four.y;
    words[2][index] = four.z;
    words[3][index] = four.w;
  }
  for (int64_t index = 0; index < kNoiseTile; ++index) {
    const NormalPair first = curand_pair(words[0][index], words[1][index]);
    const NormalPair second = curand_pair(words[2][index], words[3][index]);
    tile[0][index] = first.sine;
    tile[1][index] = first.cosine;
    tile[2][index] = second.sine;
    tile[3][index] = second.cosine;
  }
}

void store_tile(const CudaDraw& draw, int64_t call, int64_t first_thread, const Tile& tile,
                std::span<float> out) {
  for (int64_t lane = 0; lane < 4; ++lane) {
    const int64_t begin = (call * 4 + lane) * draw.threads + first_thread;
    const int64_t count = std::min(kNoiseTile, draw.elements - begin);
    if (count > 0) std::copy_n(tile[lane].data(), count, out.data() + begin);
  }
}

// In place: 8 uniforms that become radii, then 8 that become angles.
void transform_group(float* group) {
  for (int64_t index = 0; index < kGroup / 2; ++index) {
    const NormalPair pair = box_muller(1.0f - group[index], kTwoPi * group[index + 8]);
    group[index] = pair.cosine;
    group[index + 8] = pair.sine;
  }
}

float uniform_24_bits(numerics::Mt19937& words) {
  return static_cast<float>(static_cast<int32_t>(words() & 0xffffffu)) * 0x1p-24f;
}

double uniform_53_bits(numerics::Mt19937& words) {
  const uint64_t high = words();
  const uint64_t low = words();
  return static_cast<double>(((high << 32) | low) & ((uint64_t{1} << 53) - 1)) * 0x1p-53;
}

}  // namespace

const char* noise_kind_name(NoiseKind kind) {
  switch (kind) {
    case NoiseKind::kTorchCuda: return "torch-cuda";
    case NoiseKind::kTorchCpu: return "torch-cpu";
    case NoiseKind::kGiven: return "given";
  }
  return "unknown";
}

NoiseKind parse_noise_kind(std::string_view name) {
  if (name == "torch-cuda") return NoiseKind::kTorchCuda;
  if (name == "torch-cpu") return NoiseKind::kTorchCpu;
  fail(ErrorCode::kInvalidArgument,
       str_cat("The generator is \"", name, "\", must be \"torch-cuda\" or \"torch-cpu\"."),
       "torch-cuda repeats seeds of Wan and LightX2V, torch-cpu those of ComfyUI.");
}

Rng::Rng(NoiseKind kind, uint64_t seed, GpuShape gpu)
    : kind_(kind), seed_(seed), gpu_(gpu), words_(static_cast<uint32_t>(seed)) {}

Rng Rng::torch_cuda(uint64_t seed, GpuShape gpu) {
  REEL_REQUIRE(gpu.sm_count >= 1 && gpu.threads_per_sm >= kBlockThreads, kInvalidArgument,
               str_cat("The emulated GPU has ", gpu.sm_count, " SMs of ", gpu.threads_per_sm,
                       " threads, needed are at least 1 of ", kBlockThreads, "."),
               "Use 46 and 1536, or the figures of the GPU whose noise is wanted.");
  return {NoiseKind::kTorchCuda, seed, gpu};
}

Rng Rng::torch_cpu(uint64_t seed) { return {NoiseKind::kTorchCpu, seed, GpuShape{}}; }

Rng Rng::from_values(std::vector<float> values) {
  Rng rng{NoiseKind::kGiven, 0, GpuShape{}};
  rng.given_ = std::move(values);
  return rng;
}

void Rng::fill_normal(std::span<float> out) {
  if (out.empty()) return;
  switch (kind_) {
    case NoiseKind::kTorchCuda: return fill_like_cuda(out);
    case NoiseKind::kTorchCpu: return fill_like_cpu(out);
    case NoiseKind::kGiven: return fill_given(out);
  }
}

void Rng::fill_given(std::span<float> out) {
  REEL_REQUIRE(offset_ + out.size() <= given_.size(), kInvalidArgument,
               str_cat(out.size(), " more numbers are needed after ", offset_, ", but only ",
                       given_.size(), " were given."),
               "Give noise for every step that draws some, or leave the file out.");
  std::copy_n(given_.begin() + static_cast<int64_t>(offset_), out.size(), out.begin());
  offset_ += out.size();
}

void Rng::fill_like_cuda(std::span<float> out) {
  const auto elements = static_cast<int64_t>(out.size());
  // Above this PyTorch splits the draw, because it indexes bytes with 32 bits.
  REEL_REQUIRE(elements < int64_t{1} << 29, kUnsupported,
               str_cat(elements, " numbers in one draw, at most 536870911 are possible."),
               "Use a smaller size or fewer frames.");
  const int64_t blocks =
      std::min<int64_t>(int64_t{gpu_.sm_count} * (gpu_.threads_per_sm / kBlockThreads),
                        (elements + kBlockThreads - 1) / kBlockThreads);
  const CudaDraw draw{.seed = seed_,
                      .first_call = offset_ / 4,
                      .threads = blocks * kBlockThreads,
                      .elements = elements};
  static_assert(kBlockThreads % kNoiseTile == 0, "a tile never crosses a call");
  const int64_t tiles_per_call = draw.threads / kNoiseTile;
  parallel_for(draw.calls() * tiles_per_call, 64, [&](int64_t begin, int64_t end) {
    Tile tile;
    for (int64_t index = begin; index < end; ++index) {
      const int64_t call = index / tiles_per_call;
      const int64_t first_thread = index % tiles_per_call * kNoiseTile;
      draw_tile(draw, call, first_thread, tile);
      store_tile(draw, call, first_thread, tile, out);
    }
  });
  offset_ += static_cast<uint64_t>(draw.calls()) * 4;
}

void Rng::fill_like_cpu(std::span<float> out) {
  const auto elements = static_cast<int64_t>(out.size());
  if (elements < kGroup) {
    for (float& value : out) value = next_single();
    return;
  }
  for (float& value : out) value = uniform_24_bits(words_);
  parallel_for(elements / kGroup, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) transform_group(&out[group * kGroup]);
  });
  if (elements % kGroup == 0) return;
  // PyTorch's remainder: the last 16 elements are drawn afresh, some of them for a second time.
  const std::span<float> last = out.last(kGroup);
  for (float& value : last) value = uniform_24_bits(words_);
  transform_group(last.data());
}

float Rng::next_single() {
  if (has_cached_normal_) {
    has_cached_normal_ = false;
    return static_cast<float>(cached_normal_);
  }
  const double angle = 2.0 * 3.14159265358979323846 * uniform_53_bits(words_);
  const double r = std::sqrt(-2.0 * std::log1p(-uniform_53_bits(words_)));
  cached_normal_ = r * std::sin(angle);
  has_cached_normal_ = true;
  return static_cast<float>(r * std::cos(angle));
}

std::vector<uint32_t> Rng::state() const {
  std::vector<uint32_t> words{static_cast<uint32_t>(kind_)};
  const auto add_64 = [&](uint64_t value) {
    words.push_back(static_cast<uint32_t>(value));
    words.push_back(static_cast<uint32_t>(value >> 32));
  };
  if (kind_ != NoiseKind::kTorchCpu) {
    add_64(offset_);
    return words;
  }
  words.push_back(has_cached_normal_ ? 1 : 0);
  add_64(std::bit_cast<uint64_t>(cached_normal_));
  words.push_back(words_.next);
  words.insert(words.end(), std::begin(words_.words), std::end(words_.words));
  return words;
}

void Rng::restore(std::span<const uint32_t> words) {
  const bool is_mt19937 = kind_ == NoiseKind::kTorchCpu;
  const size_t wanted = is_mt19937 ? 5 + numerics::Mt19937::kWords : 3;
  REEL_REQUIRE(words.size() == wanted && words[0] == static_cast<uint32_t>(kind_) &&
                   (!is_mt19937 || words[4] <= numerics::Mt19937::kWords),
               kBadFile,
               str_cat(words.size(), " saved words do not describe a ", noise_kind_name(kind_),
                       " generator, which has ", wanted, "."),
               "Start the job again from its seed.");
  const auto read_64 = [&](size_t at) { return words[at] | (uint64_t{words[at + 1]} << 32); };
  if (!is_mt19937) {
    offset_ = read_64(1);
    return;
  }
  has_cached_normal_ = words[1] != 0;
  cached_normal_ = std::bit_cast<double>(read_64(2));
  words_.next = words[4];
  std::copy(words.begin() + 5, words.end(), std::begin(words_.words));
}

}  // namespace reel::schedulers
