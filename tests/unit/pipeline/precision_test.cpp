// SPDX-License-Identifier: Apache-2.0
#include "pipeline/precision.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/fake_gpu.h"

namespace reel::pipeline {
namespace {

// Of that compute capability, with the CPU's kernels, of which attention takes e4m3 values or not.
struct Gpu : test::FakeGpu {
  explicit Gpu(int major, int minor, bool e4m3_values = true)
      : FakeGpu(uint64_t{1} << 30, kernels_with(e4m3_values)),
        facts_{.index = 0, .name = "a card", .major = major, .minor = minor} {}
  const cuda::GpuFacts& facts() const override { return facts_; }

  static ops::Kernels kernels_with(bool e4m3_values) {
    ops::Kernels kernels = cpu::reference_kernels();
    kernels.takes_e4m3_values = e4m3_values ? +[] { return true; } : +[] { return false; };
    return kernels;
  }

  cuda::GpuFacts facts_;
};

std::string auto_on(const cuda::Gpu& gpu) { return precision_name(gpu_numbers("auto", gpu)); }

TEST(GpuNumbers, AutoTakesFp8ValuesWhereTheyAreFaster) {
  EXPECT_EQ(auto_on(Gpu(8, 0)), "int8");
  EXPECT_EQ(auto_on(Gpu(8, 6)), "int8");
  EXPECT_EQ(auto_on(Gpu(8, 9)), "int8-fp8pv");
  EXPECT_EQ(auto_on(Gpu(9, 0)), "int8-fp8pv");
  EXPECT_EQ(auto_on(Gpu(12, 0)), "int8-fp8pv");
  // Without code for them in the program.
  EXPECT_EQ(auto_on(Gpu(8, 9, false)), "int8");
}

TEST(GpuNumbers, AreThoseThatAreAskedFor) {
  const Gpu ada(8, 9);
  for (const char* const name : {"int8", "int8-fp8pv", "fp8", "bf16", "f32"}) {
    EXPECT_STREQ(precision_name(gpu_numbers(name, ada)), name);
  }
  EXPECT_REEL_ERROR(gpu_numbers("fp4", ada), kInvalidArgument, "precision is \"fp4\"");
  EXPECT_REEL_ERROR(gpu_numbers("int8-fp8pv", Gpu(8, 6, false)), kUnsupported,
                    "needs compute capability 8.9 or newer");
}

TEST(GpuNumbers, CardsThatAreNotHereAreAsThoseThatAre) {
  for (const memory::Card& card : memory::known_cards()) {
    EXPECT_EQ(fp8_values_are_faster(card), card.name != "RTX 3060") << card.name;
  }
}

TEST(PrecisionOfAll, IsOneForAllGpusOfAClip) {
  const std::vector<cuda::GpuFacts> gpus{{.index = 0, .major = 8, .minor = 9},
                                         {.index = 1, .major = 12, .minor = 0},
                                         {.index = 2, .major = 8, .minor = 6}};
  const auto of_all = [&](const char* text, const std::vector<std::string>& devices) {
    return precision_of_all(text, devices, gpus);
  };
  EXPECT_EQ(of_all("auto", {"cuda:0", "cuda:1"}), "auto");
  EXPECT_EQ(of_all("auto", {"cuda:0", "cuda:2"}), "int8");
  EXPECT_EQ(of_all("auto", {"cuda:0", "cuda:3"}), "int8");
  EXPECT_EQ(of_all("auto", {"cuda:2"}), "auto");
  EXPECT_EQ(of_all("bf16", {"cuda:0", "cuda:2"}), "bf16");
  EXPECT_EQ(of_all("auto", {"cpu", "cpu"}), "auto");
}

}  // namespace
}  // namespace reel::pipeline
