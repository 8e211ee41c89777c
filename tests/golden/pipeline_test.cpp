// SPDX-License-Identifier: Apache-2.0
// Token ids to frames in every layout, against the reference on the dequantised weights.
#include <gtest/gtest.h>

#include <tuple>

#include "golden/stage_runs.h"
#include "support/tolerance.h"

namespace reel::test {
namespace {

class PipelineGolden : public testing::TestWithParam<std::tuple<std::string, DType>> {};

TEST_P(PipelineGolden, EveryStageEqualsTheReference) {
  const auto& [name, compute] = GetParam();
  REEL_SKIP_WITHOUT(compute);
  const GoldenCase golden = read_golden("pipeline_" + name);
  const TensorView states = golden.tensor("text_states");
  const bool is_guided = golden.file.find("negative_text_states") != nullptr;
  const bool has_seed = golden.sampling.rng == "torch-cpu";

  StageRuns runs(golden, compute);
  const std::string text = runs.encode_text();
  // encode_text() takes a negative prompt as words only.
  const std::string latents =
      runs.denoise(is_guided ? golden.path : text, has_seed ? "" : golden.path);
  const Tensor frames = read_tensor(runs.decode(latents), "frames");

  expect_near("text_states", read_tensor(text, "text_states").view().slice(0, states.rows()),
              states, tolerance::golden_text_states(compute));
  const TensorView velocity = golden.tensor("velocity");
  expect_near("first_velocity", read_tensor(latents, "velocity").view().slice(0, 1),
              velocity.slice(0, 1), tolerance::golden_velocity(compute));
  expect_near("latents", read_tensor(latents, "latents"), golden.tensor("latents"),
              tolerance::golden_latents(compute));
  expect_frames_near(frames, golden.tensor("frames"), compute);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PipelineGolden,
    testing::Combine(testing::Values("distill_fp8", "distill_int8", "bf16", "official", "comfy_fp8",
                                     "diffusers", "gguf_q8_0", "gguf_q4_0", "gguf_q4_1",
                                     "gguf_q5_0", "gguf_q5_1", "gguf_q2_k", "gguf_q3_k_m",
                                     "gguf_q4_k_m", "gguf_q5_k_m", "gguf_q6_k", "euler",
                                     "lcm_torch_cpu", "guided"),
                     testing::Values(DType::kF32, DType::kBF16)),
    [](const auto& test) {
      return std::get<0>(test.param) + "_" + precision_name(std::get<1>(test.param));
    });

}  // namespace
}  // namespace reel::test
