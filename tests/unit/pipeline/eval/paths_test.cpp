// SPDX-License-Identifier: Apache-2.0
#include "pipeline/eval/paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> names(const std::vector<ComputePath>& paths) {
  std::vector<std::string> all;
  for (const ComputePath& path : paths) all.push_back(path.name);
  return all;
}

constexpr ComputeDevice kGpu{.on_gpu = true};

TEST(ComputePaths, AreWhatTheDeviceCanDo) {
  EXPECT_THAT(names(compute_paths(kGpu, "auto")),
              ElementsAre("int8", "int8 products", "bf16", "fp8"));
  EXPECT_THAT(names(compute_paths({.cpu_compute = DType::kBF16, .has_bf16 = true}, "auto")),
              ElementsAre("int8", "int8 products", "bf16", "fp8"));
  // An older CPU: INT8 products with f32 elsewhere are what --precision int8 computes.
  EXPECT_THAT(names(compute_paths({.cpu_compute = DType::kF32, .has_bf16 = true}, "auto")),
              ElementsAre("int8", "bf16", "fp8"));
  EXPECT_THAT(names(compute_paths({.cpu_compute = DType::kF32, .has_bf16 = false}, "auto")),
              ElementsAre("int8", "fp8"));
}

TEST(ComputePaths, SayWhatRunsByDefault) {
  const auto what_of = [](const ComputeDevice& device, size_t at) {
    return compute_paths(device, "auto").at(at).what;
  };
  const std::string by_default = "what --precision auto computes";
  EXPECT_THAT(what_of(kGpu, 0), HasSubstr(by_default));
  EXPECT_THAT(what_of({.on_gpu = true, .auto_takes_fp8_values = true}, 0),
              Not(HasSubstr(by_default)));
  EXPECT_THAT(what_of({.on_gpu = true, .auto_takes_fp8_values = true}, 1), HasSubstr(by_default));
  EXPECT_THAT(what_of({}, 0), Not(HasSubstr(by_default)));
}

TEST(ComputePaths, LimitWhatAnEightBitRunOfTheDeviceComputes) {
  const ComputePath gpu = compute_paths(kGpu, "auto")[0];
  EXPECT_TRUE(gpu.has_limit);
  EXPECT_TRUE(gpu.numbers.int8_attention);
  EXPECT_EQ(gpu.numbers.precision.compute, DType::kBF16);
  EXPECT_EQ(gpu.numbers.precision.matrices, DType::kI8);

  const ComputePath cpu = compute_paths({.cpu_compute = DType::kF32, .has_bf16 = false}, "auto")[0];
  EXPECT_TRUE(cpu.has_limit);
  EXPECT_FALSE(cpu.numbers.int8_attention);
  EXPECT_EQ(cpu.numbers.precision.compute, DType::kF32);
}

TEST(ComputePaths, CompareWithFp8AndAllElseExact) {
  for (const bool on_gpu : {false, true}) {
    const ComputePath last =
        compute_paths({.on_gpu = on_gpu, .cpu_compute = DType::kBF16, .has_bf16 = true}, "auto")
            .back();
    EXPECT_TRUE(last.is_baseline);
    EXPECT_EQ(last.numbers.precision.compute, DType::kF32);
    EXPECT_EQ(last.numbers.precision.matrices, DType::kF8E4M3);
    EXPECT_FALSE(last.numbers.int8_attention);
  }
}

TEST(ComputePaths, OfOnePrecisionKeepTheBaseline) {
  EXPECT_THAT(names(compute_paths(kGpu, "bf16")), ElementsAre("bf16", "fp8"));
  EXPECT_THAT(names(compute_paths(kGpu, "int8")), ElementsAre("int8", "int8 products", "fp8"));
  EXPECT_THAT(names(compute_paths(kGpu, "int8-fp8pv")), ElementsAre("int8-fp8pv", "fp8"));
  EXPECT_EQ(compute_paths(kGpu, "int8-fp8pv")[0].numbers.attention_values, DType::kF8E4M3);
  EXPECT_REEL_ERROR(compute_paths({.cpu_compute = DType::kF32, .has_bf16 = true}, "int8-fp8pv"),
                    kInvalidArgument, "precision is \"int8-fp8pv\"");
  EXPECT_THAT(names(compute_paths(kGpu, "fp8")), ElementsAre("fp8"));
  EXPECT_REEL_ERROR(compute_paths(kGpu, "f32"), kInvalidArgument, "precision is \"f32\"");
  EXPECT_REEL_ERROR(compute_paths({.cpu_compute = DType::kF32, .has_bf16 = false}, "bf16"),
                    kInvalidArgument, "precision is \"bf16\"");
}

}  // namespace
}  // namespace reel::pipeline
