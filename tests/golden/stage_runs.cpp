// SPDX-License-Identifier: Apache-2.0
#include "golden/stage_runs.h"

#include <gtest/gtest.h>
#include <reel/stages.h>

#include <cmath>

#include "golden/checkpoint_cache.h"
#include "support/random_tensor.h"
#include "support/tolerance.h"

namespace reel::test {

std::string precision_name(DType compute) { return compute == DType::kBF16 ? "bf16" : "f32"; }

StageRuns::StageRuns(const GoldenCase& golden, DType compute) : golden_(golden) {
  model.model = checkpoint_folder(golden);
  model.checkpoint_kind = golden.checkpoint_kind;
  model.precision = precision_name(compute);
}

std::string StageRuns::encode_text() {
  EncodeTextRequest request;
  request.ids = golden_.ids();
  request.out = folder_ / "text.safetensors";
  Progress progress;
  reel::encode_text(model, request, progress);
  return request.out;
}

std::string StageRuns::denoise(const std::string& text, const std::string& noise) {
  DenoiseRequest request;
  request.text = text;
  request.noise = noise;
  request.sampling = golden_.sampling;
  request.trace_velocity = true;
  request.out = folder_ / "latents.safetensors";
  Progress progress;
  reel::denoise(model, request, progress);
  return request.out;
}

std::string StageRuns::decode(const std::string& latents) {
  DecodeRequest request;
  request.latents = latents;
  request.out = folder_ / "frames.safetensors";
  request.overwrite = true;
  Progress progress;
  reel::decode(model, request, progress);
  return request.out;
}

Tensor read_tensor(const std::string& path, const std::string& name) {
  pipeline::StageFile file = pipeline::read_stage_file(path);
  return pipeline::take_f32(file, name, path);
}

double psnr_db(const TensorView& got, const TensorView& want) {
  double squares = 0;
  for (int64_t at = 0; at < want.elements(); ++at) {
    const double gap = static_cast<double>(got.as<float>()[at]) - want.as<float>()[at];
    squares += gap * gap;
  }
  return -10 * std::log10(squares / static_cast<double>(want.elements()));
}

void expect_near(const std::string& what, const TensorView& got, const TensorView& want,
                 double tolerance) {
  ASSERT_EQ(got.elements(), want.elements()) << what << ": " << got.shape << ", " << want.shape;
  const double error = relative_error(got, want);
  testing::Test::RecordProperty(what, std::to_string(error * 1e6) + "e-6");
  EXPECT_LE(error, tolerance) << what;
}

void expect_frames_near(const TensorView& got, const TensorView& want, DType compute) {
  if (compute == DType::kF32) {
    expect_near("frames", got, want, tolerance::golden_frames_f32());
    return;
  }
  ASSERT_EQ(got.shape, want.shape);
  const double psnr = psnr_db(got, want);
  testing::Test::RecordProperty("frames_db", std::to_string(psnr));
  EXPECT_GE(psnr, tolerance::golden_frames_bf16_db());
}

}  // namespace reel::test
