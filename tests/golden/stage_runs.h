// SPDX-License-Identifier: Apache-2.0
// Runs one stage of a golden case through the public API, and measures its answer.
#pragma once

#include <string>

#include "backends/cpu/backend.h"
#include "golden/golden_case.h"
#include "support/temp_folder.h"

namespace reel::test {

// "f32" or "bf16".
std::string precision_name(DType compute);

// Stage files of one run, gone with the object.
class StageRuns {
 public:
  StageRuns(const GoldenCase& golden, DType compute);

  // What may be set before the first run.
  ModelOptions model;

  // Each answers the path of the stage file it wrote.
  std::string encode_text();
  std::string denoise(const std::string& text, const std::string& noise);
  std::string decode(const std::string& latents);

 private:
  const GoldenCase& golden_;
  TempFolder folder_;
};

Tensor read_tensor(const std::string& path, const std::string& name);

// Peak signal-to-noise ratio of numbers between 0 and 1, in dB.
double psnr_db(const TensorView& got, const TensorView& want);

// Fails when `got` is further than `tolerance` from `want` in the 2-norm; records the error.
void expect_near(const std::string& what, const TensorView& got, const TensorView& want,
                 double tolerance);

// As expect_near with f32 products; in dB with bf16.
void expect_frames_near(const TensorView& got, const TensorView& want, DType compute);

}  // namespace reel::test

// In a test's body: skips it where the CPU lacks the products.
#define REEL_SKIP_WITHOUT(compute)                                              \
  if (!::reel::cpu::supports_compute(compute)) {                                \
    GTEST_SKIP() << "This CPU has no " << ::reel::test::precision_name(compute) \
                 << " products (or REEL_CPU_ISA hides them).";                  \
  }
