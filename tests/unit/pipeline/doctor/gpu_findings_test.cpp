// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/gpu_findings.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace reel::pipeline {
namespace {

cuda::GpuFacts ada() {
  return {.name = "Some RTX",
          .major = 8,
          .minor = 9,
          .multiprocessors = 46,
          .total_bytes = uint64_t{12} << 30,
          .bus_id = "0000:01:00.0"};
}

Finding in_area(const std::vector<Finding>& findings, const std::string& area) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&](const Finding& one) { return one.area == area; });
  EXPECT_NE(found, findings.end()) << area;
  return found == findings.end() ? Finding{} : *found;
}

std::vector<Finding> of(const CardState& state) {
  return findings_on(ada(), {.driver_supports = "13.0", .built_with = "12.8"}, state);
}

TEST(GpuFindings, NameTheCardAndItsDriver) {
  const auto findings = of({.driver_release = "580.1"});

  EXPECT_NE(in_area(findings, "GPU").text.find("Some RTX, compute capability 8.9"),
            std::string::npos);
  EXPECT_EQ(in_area(findings, "driver").text,
            "580.1, runs CUDA up to 13.0; this program was built with 12.8");
}

TEST(GpuFindings, RemarkOnFewerLanesThanThereCouldBe) {
  CardState state;
  state.link = {.generation = 4, .width = 16, .most_generation = 4, .most_width = 16};
  EXPECT_EQ(in_area(of(state), "link").health, Health::kGood);

  state.link->width = 8;
  EXPECT_EQ(in_area(of(state), "link").health, Health::kRemark);

  state.link = {.generation = 4, .width = 4, .most_generation = 4, .most_width = 4};
  EXPECT_EQ(in_area(of(state), "link").health, Health::kRemark);

  // At rest the link is slow, which means nothing.
  state.link = {.generation = 1, .width = 16, .most_generation = 4, .most_width = 16};
  EXPECT_EQ(in_area(of(state), "link").health, Health::kGood);
}

TEST(GpuFindings, RemarkOnALoweredPowerLimit) {
  CardState state;
  state.power = {.draw_w = 20, .limit_w = 200, .default_limit_w = 200};
  EXPECT_EQ(in_area(of(state), "power").health, Health::kGood);

  state.power->limit_w = 150;
  const Finding low = in_area(of(state), "power");
  EXPECT_EQ(low.health, Health::kRemark);
  EXPECT_NE(low.advice.find("nvidia-smi -pl 200"), std::string::npos) << low.advice;
}

TEST(GpuFindings, RemarkOnMemoryThatOthersHold) {
  CardState state;
  state.memory = {.free_bytes = uint64_t{8} << 30, .used_bytes = uint64_t{4} << 30};
  state.others = {.programs = 1, .bytes = uint64_t{512} << 20};
  EXPECT_EQ(in_area(of(state), "GPU memory").health, Health::kGood);

  state.others = {.programs = 2, .bytes = uint64_t{3} << 30};
  const Finding much = in_area(of(state), "GPU memory");
  EXPECT_EQ(much.health, Health::kRemark);
  EXPECT_NE(much.text.find("2 other programs use 3.0 GiB"), std::string::npos) << much.text;
}

TEST(GpuFindings, SayWhyFasterKernelsDoNotRun) {
  cuda::GpuFacts gpu = ada();
  EXPECT_NE(finding_on_kernels(gpu).text.find("wgmma is an instruction of 9.0"), std::string::npos);
  gpu.minor = 6;
  EXPECT_NE(finding_on_kernels(gpu).text.find("has no FP8 products"), std::string::npos);
  gpu.major = 9;
  EXPECT_NE(finding_on_kernels(gpu).text.find("products by wgmma"), std::string::npos);
}

TEST(GpuFindings, RemarkOnACardThatIsSlowerThanAssumed) {
  const memory::Rates assumed{.int8_ops = 200e12,
                              .wide_ops = 40e12,
                              .attention_ops = 60e12,
                              .conv_ops = 40e12,
                              .memory_bytes = 400e9,
                              .upload_bytes = 25e9,
                              .cache_bytes = 10e9,
                              .disk_bytes = 5e9};
  memory::Rates measured = assumed;
  EXPECT_EQ(finding_on_rates(measured, assumed, "RTX 4070").health, Health::kGood);

  measured.attention_ops = 30e12;
  const Finding slow = finding_on_rates(measured, assumed, "RTX 4070");
  EXPECT_EQ(slow.health, Health::kRemark);
  EXPECT_NE(slow.text.find("attention 30 (60) Top/s"), std::string::npos) << slow.text;
}

}  // namespace
}  // namespace reel::pipeline
