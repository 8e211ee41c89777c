// SPDX-License-Identifier: Apache-2.0
// LightX2V's names of attention kernels and quantisation schemes, and what Reel has for them.
// Source: the registries lightx2v/common/ops/attn and lightx2v/common/ops/mm of ModelTC/LightX2V.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace reel::compat::lightx2v {

// Attention over all tokens: Reel's own takes its place.
std::span<const std::string_view> dense_attention_names();
// Attention that skips tokens, or needs several GPUs: another result, or no single GPU.
std::span<const std::string_view> sparse_attention_names();
std::span<const std::string_view> distributed_attention_names();

// Which weights a scheme reads.
enum class SchemeFamily { kUnquantised, kFp8, kInt8, kGguf };

std::span<const std::string_view> fp8_scheme_names();
std::span<const std::string_view> int8_scheme_names();
std::span<const std::string_view> gguf_scheme_names();
std::span<const std::string_view> refused_scheme_names();  // 4- and 6-bit floats, shared exponents

// `where` begins the sentence: `self_attn_1_type (my.json) is "svg_attn"`.
// Throws kUnsupported for a name that is known and not run, kInvalidArgument for an unknown one.
void require_dense_attention(std::string_view name, const std::string& where);
// Takes old spellings too: "fp8", "int8", and the mm_type names of 2025,
// "W-fp8-channel-sym-A-fp8-channel-sym-dynamic-Vllm". Throws as above.
SchemeFamily scheme_family(std::string_view name, const std::string& where);

}  // namespace reel::compat::lightx2v
