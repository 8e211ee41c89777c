// SPDX-License-Identifier: Apache-2.0
#include "schedulers/noise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "base/parallel.h"
#include "core/numerics/philox.h"
#include "support/expect_error.h"
#include "support/float_file.h"

namespace reel::schedulers {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

// PyTorch's own kernels (AVX2, AVX-512, plain) differ among themselves by as much.
constexpr float kCpuTolerance = 2e-6f;
// The published figures have four or five decimals.
constexpr float kPrinted4 = 5.1e-5f;
constexpr float kPrinted5 = 6e-6f;

std::vector<float> draw(Rng& rng, size_t count) {
  std::vector<float> out(count);
  rng.fill_normal(out);
  return out;
}

TEST(Philox, EqualsThePublishedTestVectors) {
  // Random123, kat_vectors: philox4x32, 10 rounds.
  const numerics::PhiloxWords zeros = numerics::philox4x32_10(0, 0, 0);
  EXPECT_THAT((std::array{zeros.x, zeros.y, zeros.z, zeros.w}),
              ElementsAre(0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u));
  const numerics::PhiloxWords pi =
      numerics::philox4x32_10(0x299f31d0a4093822u, 0x0370734413198a2eu, 0x85a308d3243f6a88u);
  EXPECT_THAT((std::array{pi.x, pi.y, pi.z, pi.w}),
              ElementsAre(0xd16cfe09u, 0x94fdcceb, 0x5001e420u, 0x24126ea1u));
}

TEST(Mt19937, EqualsTheStandardLibrary) {
  for (const uint32_t seed : {0u, 42u, 0xffffffffu}) {
    numerics::Mt19937 ours(seed);
    std::mt19937 theirs(seed);
    for (int index = 0; index < 2000; ++index) ASSERT_EQ(ours(), theirs()) << index;
  }
}

TEST(TorchCudaNoise, StartsAsPyTorchDoes) {
  Rng zero = Rng::torch_cuda(0);
  Rng answer = Rng::torch_cuda(42);

  EXPECT_THAT(draw(zero, 10),
              Pointwise(FloatNear(kPrinted4), {-0.9247f, -0.4253f, -2.6438f, 0.1452f, -0.1209f,
                                               -0.5797f, -0.6229f, -0.3284f, -1.0745f, -0.3631f}));
  EXPECT_THAT(draw(answer, 10),
              Pointwise(FloatNear(kPrinted4), {0.1940f, 2.1614f, -0.1721f, 0.8491f, -1.9244f,
                                               0.6530f, -0.6494f, -0.8175f, 0.5280f, -1.2753f}));
}

struct Card {
  const char* name;
  GpuShape shape;
  std::array<float, 3> at;  // elements 300000, 1000000 and the last
  uint64_t offset;          // random words used up by each thread
};

class TorchCudaCards : public testing::TestWithParam<Card> {};

TEST_P(TorchCudaCards, DrawTheNoiseOfAClip) {
  constexpr size_t kClip = 16 * 21 * 60 * 104;  // 832x480, 81 frames
  Rng rng = Rng::torch_cuda(42, GetParam().shape);

  const std::vector<float> noise = draw(rng, kClip);

  const std::array some{noise[0],      noise[1],       noise[2],
                        noise[300000], noise[1000000], noise[kClip - 1]};
  const auto [a, b, c] = GetParam().at;
  EXPECT_THAT(some, Pointwise(FloatNear(kPrinted5), {0.19402f, 2.16137f, -0.17205f, a, b, c}));
  EXPECT_EQ(rng.state()[1], GetParam().offset);
}

INSTANTIATE_TEST_SUITE_P(
    All, TorchCudaCards,
    testing::Values(Card{"H200", {132, 2048}, {1.87199f, 1.62720f, -0.59093f}, 8},
                    Card{"A100", {108, 2048}, {-2.56296f, 0.07730f, -1.24737f}, 12},
                    Card{"RTX4090", {128, 1536}, {1.72476f, -0.40970f, -0.56932f}, 12},
                    Card{"RTX5090", {170, 1536}, {0.20460f, 1.65855f, -0.16168f}, 12},
                    Card{"RTX3090", {82, 1536}, {0.43728f, 0.17548f, 0.79357f}, 20}),
    [](const auto& test) { return test.param.name; });

// curand_normal4 written once more, in double.
double cuda_element(uint64_t seed, uint64_t call, int64_t thread, int lane) {
  const numerics::PhiloxWords four = numerics::philox4x32_10(seed, thread, call);
  const double x = lane < 2 ? four.x : four.z;
  const double y = lane < 2 ? four.y : four.w;
  const double u = std::ldexp(x + 0.5, -32);
  const double angle = std::ldexp(y + 0.5, -32) * 2 * M_PI;
  return std::sqrt(-2 * std::log(u)) * (lane % 2 == 0 ? std::sin(angle) : std::cos(angle));
}

TEST(TorchCudaNoise, GivesEachThreadFourLanesPerCall) {
  // 2 SMs of 512 threads: 4 blocks, 1024 threads; 5000 elements need two calls.
  Rng rng = Rng::torch_cuda(7, {2, 512});
  const std::vector<float> noise = draw(rng, 5000);

  for (int64_t index = 0; index < 5000; ++index) {
    const int64_t within = index % 4096;
    const double wanted =
        cuda_element(7, index / 4096, within % 1024, static_cast<int>(within / 1024));
    ASSERT_NEAR(noise[index], wanted, 3e-6) << index;
  }
}

TEST(TorchCudaNoise, ContinuesTheStreamInTheNextDraw) {
  Rng rng = Rng::torch_cuda(9, {2, 512});
  draw(rng, 5000);  // two calls
  const std::vector<float> second = draw(rng, 300);

  for (int64_t index = 0; index < 300; ++index) {
    ASSERT_NEAR(second[index], cuda_element(9, 2, index, 0), 3e-6) << index;
  }
}

TEST(TorchCudaNoise, DoesNotDependOnTheNumberOfThreads) {
  Rng one = Rng::torch_cuda(3);
  Rng other = one;
  const int before = compute_threads();
  const std::vector<float> usual = draw(one, 1000003);
  set_compute_threads(1);
  const std::vector<float> alone = draw(other, 1000003);
  set_compute_threads(before);

  EXPECT_EQ(usual, alone);
}

TEST(TorchCudaNoise, RefusesAGpuWithoutThreads) {
  EXPECT_REEL_ERROR(Rng::torch_cuda(0, {46, 128}), kInvalidArgument,
                    "46 SMs of 128 threads, needed are at least 1 of 256");
}

TEST(TorchCpuNoise, EqualsPyTorchOverConsecutiveDraws) {
  const std::vector<float> wanted = test::read_floats("schedulers/cpu_noise.f32");
  std::vector<float> got;
  for (const uint64_t seed :
       {uint64_t{0}, uint64_t{42}, (uint64_t{1} << 32) + 42, (uint64_t{1} << 63) + 7}) {
    Rng rng = Rng::torch_cpu(seed);
    for (const size_t count : {1, 5, 15, 16, 17, 1, 100, 3}) {
      const std::vector<float> values = draw(rng, count);
      got.insert(got.end(), values.begin(), values.end());
    }
  }

  EXPECT_THAT(got, Pointwise(FloatNear(kCpuTolerance), wanted));
}

TEST(TorchCpuNoise, EqualsPyTorchOverALongDraw) {
  const std::vector<float> wanted = test::read_floats("schedulers/cpu_noise_long.f32");
  Rng rng = Rng::torch_cpu(42);
  const std::vector<float> noise = draw(rng, 1000003);
  std::vector<float> got;
  for (size_t index = 0; index < noise.size(); index += 9973) got.push_back(noise[index]);
  got.insert(got.end(), noise.end() - 32, noise.end());

  EXPECT_THAT(got, Pointwise(FloatNear(kCpuTolerance), wanted));
}

TEST(TorchCpuNoise, StartsAsPyTorchDoes) {
  Rng zero = Rng::torch_cpu(0);
  Rng answer = Rng::torch_cpu(42);
  std::vector<float> first = draw(zero, 64);
  std::vector<float> second = draw(answer, 64);
  first.resize(6);
  second.resize(4);

  EXPECT_THAT(first, Pointwise(FloatNear(kPrinted4),
                               {-1.1258f, -1.1524f, -0.2506f, -0.4339f, 0.8487f, 0.6920f}));
  EXPECT_THAT(second, Pointwise(FloatNear(kPrinted4), {1.9269f, 1.4873f, 0.9007f, -2.1055f}));
}

TEST(Rng, ContinuesFromASavedState) {
  for (Rng rng : {Rng::torch_cuda(5), Rng::torch_cpu(5)}) {
    draw(rng, 5);  // an odd number: the CPU generator keeps the second of a pair
    const std::vector<uint32_t> saved = rng.state();
    const std::vector<float> wanted = draw(rng, 9);

    Rng again = rng.kind() == NoiseKind::kTorchCuda ? Rng::torch_cuda(5) : Rng::torch_cpu(5);
    again.restore(saved);

    EXPECT_EQ(draw(again, 9), wanted) << noise_kind_name(rng.kind());
  }
}

TEST(Rng, RefusesTheStateOfAnotherKind) {
  Rng rng = Rng::torch_cpu(1);
  EXPECT_REEL_ERROR(rng.restore(Rng::torch_cuda(1).state()), kBadFile,
                    "3 saved words do not describe a torch-cpu generator");
}

TEST(Rng, DrawsNothingIntoAnEmptySpan) {
  Rng rng = Rng::torch_cuda(1);
  const std::vector<uint32_t> before = rng.state();
  draw(rng, 0);
  EXPECT_EQ(rng.state(), before);
}

TEST(NoiseKind, IsReadByName) {
  EXPECT_EQ(parse_noise_kind("torch-cuda"), NoiseKind::kTorchCuda);
  EXPECT_EQ(parse_noise_kind("torch-cpu"), NoiseKind::kTorchCpu);
  EXPECT_REEL_ERROR(parse_noise_kind("cuda"), kInvalidArgument,
                    "The generator is \"cuda\", must be \"torch-cuda\" or \"torch-cpu\"");
}

}  // namespace
}  // namespace reel::schedulers
