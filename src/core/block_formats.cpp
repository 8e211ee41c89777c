// SPDX-License-Identifier: Apache-2.0
#include "core/block_formats.h"

#include "base/error.h"
#include "core/numerics/ggml_blocks.h"

namespace reel {
namespace {

struct Functions {
  void (*dequantise)(const uint8_t* block, int begin, float* out);
  void (*quantise)(const float* values, uint8_t* block);
};

Functions functions_of(DType dtype) {
  switch (dtype) {
    case DType::kQ8_0: return {numerics::dequantise_q8_0, numerics::quantise_q8_0};
    case DType::kQ4_0: return {numerics::dequantise_q4_0, numerics::quantise_q4_0};
    case DType::kQ4_1: return {numerics::dequantise_q4_1, numerics::quantise_q4_1};
    case DType::kQ5_0: return {numerics::dequantise_q5_0, numerics::quantise_q5_0};
    case DType::kQ5_1: return {numerics::dequantise_q5_1, numerics::quantise_q5_1};
    case DType::kQ2_K: return {numerics::dequantise_q2_k, numerics::quantise_q2_k};
    case DType::kQ3_K: return {numerics::dequantise_q3_k, numerics::quantise_q3_k};
    case DType::kQ4_K: return {numerics::dequantise_q4_k, numerics::quantise_q4_k};
    case DType::kQ5_K: return {numerics::dequantise_q5_k, numerics::quantise_q5_k};
    case DType::kQ6_K: return {numerics::dequantise_q6_k, numerics::quantise_q6_k};
    default: fail(ErrorCode::kInvalidArgument, str_cat(dtype, " is no block format."));
  }
}

void check_whole_blocks(DType dtype, int64_t elements) {
  REEL_REQUIRE(elements >= 0 && elements % block_elements(dtype) == 0, kInvalidArgument,
               str_cat(elements, " values are no whole number of ", dtype, " blocks of ",
                       block_elements(dtype), '.'));
}

}  // namespace

void dequantise_blocks(DType dtype, const std::byte* from, int64_t elements, float* out) {
  const Functions functions = functions_of(dtype);
  check_whole_blocks(dtype, elements);
  const auto* block = reinterpret_cast<const uint8_t*>(from);
  for (int64_t at = 0; at < elements; at += block_elements(dtype)) {
    for (int begin = 0; begin < block_elements(dtype); begin += numerics::kDecodedRun) {
      functions.dequantise(block, begin, out + at + begin);
    }
    block += block_bytes(dtype);
  }
}

void quantise_blocks(DType dtype, const float* from, int64_t elements, std::byte* out) {
  const Functions functions = functions_of(dtype);
  check_whole_blocks(dtype, elements);
  auto* block = reinterpret_cast<uint8_t*>(out);
  for (int64_t at = 0; at < elements; at += block_elements(dtype)) {
    functions.quantise(from + at, block);
    block += block_bytes(dtype);
  }
}

}  // namespace reel
