// SPDX-License-Identifier: Apache-2.0
// The words of --precision, and what "auto" stands for.
#pragma once

#include <reel/request.h>

#include <string>
#include <vector>

#include "backends/cuda/gpu.h"
#include "core/dtype.h"
#include "memory/card_model.h"
#include "prepare/weight_items.h"

namespace reel::pipeline {

// How a network is computed.
struct Numbers {
  prepare::Precision precision;
  bool int8_attention = false;
  DType attention_values = DType::kF16;  // of 8-bit attention: kF16 or kF8E4M3
};

// "int8" with e4m3 values in 8-bit attention, on a GPU.
inline constexpr char kFp8ValuesPrecision[] = "int8-fp8pv";

// "f32", "bf16", "int8", "int8-fp8pv" or "fp8": what --precision takes.
const char* precision_name(const Numbers& numbers);

// In words: "int8 products and 8-bit attention", "bf16 products and attention".
std::string kernels_in_words(const Numbers& numbers);

// Whether 8-bit attention is faster there with e4m3 values than with f16 ones: GeForce cards of
// 8.9 and 12.x multiply f16 with f32 sums at an eighth of INT8's rate, e4m3 with f16 sums at the
// whole; wgmma of 9.0 multiplies f16 at half of it.
bool fp8_values_are_faster(const cuda::GpuFacts& gpu);
bool fp8_values_are_faster(const memory::Card& card);

// `text`, but for "auto" on several GPUs of which not all are faster with e4m3 values: "int8", so
// that all compute alike. `devices` as of device_list(), `gpus` as of cuda::list_gpus().
std::string precision_of_all(const std::string& text, const std::vector<std::string>& devices,
                             const std::vector<cuda::GpuFacts>& gpus);

// Throws kInvalidArgument for other words than those above and "auto", kUnsupported where the CPU
// has no such products.
Numbers cpu_numbers(const std::string& text);
// Of the DiT on that GPU. "auto" is "int8-fp8pv" where that is faster and the program has the code
// for it, else "int8". Throws kInvalidArgument for other words, kUnsupported where the card cannot.
Numbers gpu_numbers(const std::string& text, const cuda::Gpu& gpu);

}  // namespace reel::pipeline
