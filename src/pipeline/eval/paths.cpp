// SPDX-License-Identifier: Apache-2.0
#include "pipeline/eval/paths.h"

#include "base/error.h"

namespace reel::pipeline {
namespace {

Numbers numbers(DType compute, DType matrices, bool int8_attention = false) {
  return {.precision = {.compute = compute, .matrices = matrices},
          .int8_attention = int8_attention};
}

}  // namespace

std::vector<ComputePath> compute_paths(const ComputeDevice& device, const std::string& precision) {
  const bool on_gpu = device.on_gpu;
  const bool auto_takes_fp8_values = on_gpu && device.auto_takes_fp8_values;
  const DType compute = on_gpu ? DType::kBF16 : device.cpu_compute;
  const auto what_auto_computes = [](bool it_is) {
    return it_is ? ": what --precision auto computes" : "";
  };
  std::vector<ComputePath> all;
  all.push_back({.name = "int8",
                 .what = str_cat("rotated INT8 products, ", on_gpu ? "INT8 attention, " : "",
                                 dtype_name(compute), " elsewhere",
                                 what_auto_computes(on_gpu && !auto_takes_fp8_values)),
                 .numbers = numbers(compute, DType::kI8, on_gpu),
                 .has_limit = true});
  if (auto_takes_fp8_values || (precision == kFp8ValuesPrecision && on_gpu)) {
    ComputePath path = all.front();
    path.name = kFp8ValuesPrecision;
    path.what = str_cat("int8, with e4m3 weights and values in attention",
                        what_auto_computes(auto_takes_fp8_values));
    path.numbers.attention_values = DType::kF8E4M3;
    all.push_back(path);
  }
  if (on_gpu || compute != DType::kF32) {
    all.push_back({.name = "int8 products",
                   .what = "rotated INT8 products, f32 elsewhere",
                   .numbers = numbers(DType::kF32, DType::kI8)});
  }
  if (on_gpu || device.has_bf16) {
    all.push_back({.name = "bf16",
                   .what = "bf16 products and attention",
                   .numbers = numbers(DType::kBF16, DType::kBF16)});
  }
  all.push_back({.name = "fp8",
                 .what = "FP8 W8A8 products, f32 elsewhere: the baseline",
                 .numbers = numbers(DType::kF32, DType::kF8E4M3),
                 .is_baseline = true});
  if (precision == "auto") return all;
  std::vector<ComputePath> some;
  for (const ComputePath& path : all) {
    const bool is_asked_for = precision_name(path.numbers) == precision;
    if (is_asked_for || path.is_baseline) some.push_back(path);
  }
  REEL_REQUIRE(
      some.size() > 1 || precision == "fp8", kInvalidArgument,
      str_cat("precision is \"", precision,
              "\"; auto, int8, fp8 and, where the device has it, bf16 can be compared with "
              "f32."));
  return some;
}

}  // namespace reel::pipeline
