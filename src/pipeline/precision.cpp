// SPDX-License-Identifier: Apache-2.0
#include "pipeline/precision.h"

#include <algorithm>

#include "backends/cpu/backend.h"
#include "base/error.h"
#include "pipeline/devices.h"

namespace reel::pipeline {
namespace {

bool takes_e4m3_values(const ops::Kernels& kernels) {
  return kernels.takes_e4m3_values == nullptr || kernels.takes_e4m3_values();
}

// f16 values can be had on every GPU.
void require_values(const cuda::Gpu& gpu, DType values) {
  if (values == DType::kF16 || takes_e4m3_values(gpu.kernels())) return;
  fail(ErrorCode::kUnsupported,
       str_cat("precision is \"", kFp8ValuesPrecision,
               "\", which needs compute capability 8.9 or newer, "
               "and code for it in this program; ",
               gpu.facts().name, " has ", gpu.facts().major, '.', gpu.facts().minor, '.'),
       "Use --precision int8 or leave it out.");
}

}  // namespace

const char* precision_name(const Numbers& numbers) {
  if (numbers.attention_values == DType::kF8E4M3) return kFp8ValuesPrecision;
  const prepare::Precision& precision = numbers.precision;
  if (precision.matrices == DType::kI8) return "int8";
  if (precision.matrices == DType::kF8E4M3) return "fp8";
  return dtype_name(precision.matrices);
}

std::string kernels_in_words(const Numbers& numbers) {
  const bool e4m3_values = numbers.attention_values == DType::kF8E4M3;
  const std::string products = e4m3_values ? "int8" : precision_name(numbers);
  if (numbers.int8_attention) {
    return str_cat(products, " products and 8-bit attention",
                   e4m3_values ? " with FP8 values" : "");
  }
  const DType compute = numbers.precision.compute;
  if (numbers.precision.matrices == compute) return products + " products and attention";
  return str_cat(products, " products and ", dtype_name(compute), " attention");
}

bool fp8_values_are_faster(const cuda::GpuFacts& gpu) {
  return (gpu.major == 8 && gpu.minor == 9) || gpu.major == 9 || gpu.major == 12;
}

bool fp8_values_are_faster(const memory::Card& card) {
  return memory::predicted_e4m3_attention(card) > memory::predicted_rates(card).attention_ops;
}

std::string precision_of_all(const std::string& text, const std::vector<std::string>& devices,
                             const std::vector<cuda::GpuFacts>& gpus) {
  if (text != "auto" || devices.size() < 2) return text;
  const auto is_faster = [&](const std::string& device) {
    const int index = gpu_index(device);
    return index < 0 || std::any_of(gpus.begin(), gpus.end(), [&](const cuda::GpuFacts& gpu) {
             return gpu.index == index && fp8_values_are_faster(gpu);
           });
  };
  return std::all_of(devices.begin(), devices.end(), is_faster) ? text : "int8";
}

Numbers cpu_numbers(const std::string& text) {
  REEL_REQUIRE(text == "auto" || text == "f32" || text == "bf16" || text == "int8" || text == "fp8",
               kInvalidArgument,
               str_cat("precision is \"", text,
                       "\"; auto, f32, bf16, int8 and fp8 are possible on the CPU."));
  const DType preferred = cpu::preferred_compute();
  if (text == "auto") return {.precision = {.compute = preferred, .matrices = preferred}};
  if (text == "int8") return {.precision = {.compute = preferred, .matrices = DType::kI8}};
  if (text == "fp8") return {.precision = {.compute = preferred, .matrices = DType::kF8E4M3}};
  const DType dtype = text == "bf16" ? DType::kBF16 : DType::kF32;
  REEL_REQUIRE(cpu::supports_compute(dtype), kUnsupported,
               "This CPU has no bf16 products (AVX-512 is needed).",
               "Use --precision f32 or leave it out.");
  return {.precision = {.compute = dtype, .matrices = dtype}};
}

Numbers gpu_numbers(const std::string& text, const cuda::Gpu& gpu) {
  if (text == "f32") return {.precision = {.compute = DType::kF32, .matrices = DType::kF32}};
  if (text == "bf16") return {.precision = {.compute = DType::kBF16, .matrices = DType::kBF16}};
  if (text == "fp8") return {.precision = {.compute = DType::kBF16, .matrices = DType::kF8E4M3}};
  REEL_REQUIRE(text == "auto" || text == "int8" || text == kFp8ValuesPrecision, kInvalidArgument,
               str_cat("precision is \"", text,
                       "\"; auto, f32, bf16, int8, int8-fp8pv and fp8 are possible on a GPU."));
  const bool fp8_values =
      text == kFp8ValuesPrecision ||
      (text == "auto" && fp8_values_are_faster(gpu.facts()) && takes_e4m3_values(gpu.kernels()));
  const Numbers numbers{.precision = {.compute = DType::kBF16, .matrices = DType::kI8},
                        .int8_attention = true,
                        .attention_values = fp8_values ? DType::kF8E4M3 : DType::kF16};
  require_values(gpu, numbers.attention_values);
  return numbers;
}

}  // namespace reel::pipeline
