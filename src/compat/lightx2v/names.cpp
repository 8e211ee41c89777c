// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/names.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace reel::compat::lightx2v {
namespace {

using Name = std::string_view;

// The last ten are those of lightx2v_platform, for chips of other makers.
constexpr std::array<Name, 17> kDense = {"flash_attn2",
                                         "flash_attn3",
                                         "flash_attn4",
                                         "torch_sdpa",
                                         "sage_attn2",
                                         "sage_attn3",
                                         "sage_attn2_k_int8_v_fp8",
                                         "aiter_attn",
                                         "npu_flash_attn",
                                         "mlu_flash_attn",
                                         "mlu_sage_attn",
                                         "metax_sage_attn2",
                                         "iluvatar_flash_attn",
                                         "intel_xpu_flash_attn",
                                         "intel_xpu_cute_attn",
                                         "flash_attn_hygon_dcu",
                                         "flash_attn_enflame_gcu"};
constexpr std::array<Name, 16> kSparse = {
    "spas_sage_attn",      "spas_sage_attn2",     "spas_sage_attn3",
    "spas_flash_attn4",    "radial_attn",         "svg_attn",
    "svg2_attn",           "sparge_attn",         "nbhd_attn",
    "draft_attn",          "dynamic_sparse_attn", "flex_attn",
    "general_sparse_attn", "rainfusion_attn",     "sol_attn",
    "nbhd_attn_flashinfer"};
constexpr std::array<Name, 2> kDistributed = {"ulysses", "ring"};

constexpr std::array<Name, 10> kFp8 = {
    "fp8",         "fp8-vllm",      "fp8-sgl",           "fp8-q8f",  "fp8-triton",
    "fp8-torchao", "fp8-pertensor", "fp8-b128-deepgemm", "fp8-musa", "fp8-intel-xpu"};
constexpr std::array<Name, 10> kInt8 = {"int8",         "int8-vllm",   "int8-sgl",
                                        "int8-q8f",     "int8-triton", "int8-torchao",
                                        "int8-npu",     "int8-tmo",    "int8-vllm-hygon-dcu",
                                        "int8-iluvatar"};
constexpr std::array<Name, 13> kGguf = {"gguf-BF16",   "gguf-Q8_0",   "gguf-Q6_K", "gguf-Q5_K_S",
                                        "gguf-Q5_K_M", "gguf-Q5_0",   "gguf-Q5_1", "gguf-Q4_0",
                                        "gguf-Q4_K_S", "gguf-Q4_K_M", "gguf-Q4_1", "gguf-Q3_K_S",
                                        "gguf-Q3_K_M"};
constexpr std::array<Name, 5> kRefusedSchemes = {"nvfp4", "mxfp4", "mxfp6-mxfp8", "mxfp8",
                                                 "int4-g128-marlin"};

bool has(std::span<const Name> names, Name name) {
  return std::ranges::find(names, name) != names.end();
}

std::string joined(std::span<const Name> names) {
  std::string text;
  for (const Name name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

}  // namespace

std::span<const Name> dense_attention_names() { return kDense; }
std::span<const Name> sparse_attention_names() { return kSparse; }
std::span<const Name> distributed_attention_names() { return kDistributed; }
std::span<const Name> fp8_scheme_names() { return kFp8; }
std::span<const Name> int8_scheme_names() { return kInt8; }
std::span<const Name> gguf_scheme_names() { return kGguf; }
std::span<const Name> refused_scheme_names() { return kRefusedSchemes; }

void require_dense_attention(Name name, const std::string& where) {
  if (has(kDense, name)) return;
  REEL_REQUIRE(!has(kSparse, name), kUnsupported,
               str_cat(where,
                       ", which leaves tokens out and changes the result; Reel has dense "
                       "attention only."),
               "Write flash_attn3, or another dense name.");
  REEL_REQUIRE(
      !has(kDistributed, name), kUnsupported,
      str_cat(where, ", which spreads a clip over several GPUs; here the device does that."),
      "Write flash_attn3, or another dense name, and the device as cuda:0,cuda:1.");
  fail(ErrorCode::kInvalidArgument, str_cat(where, "; a dense attention of LightX2V is needed."),
       str_cat("These are: ", joined(kDense), '.'));
}

SchemeFamily scheme_family(Name name, const std::string& where) {
  if (name == "Default") return SchemeFamily::kUnquantised;
  if (has(kFp8, name) || name.starts_with("W-fp8-")) return SchemeFamily::kFp8;
  if (has(kInt8, name) || name.starts_with("W-int8-")) return SchemeFamily::kInt8;
  if (has(kGguf, name)) return SchemeFamily::kGguf;
  REEL_REQUIRE(!has(kRefusedSchemes, name), kUnsupported,
               str_cat(where, ", a format that Reel does not read."),
               "Use the FP8 or INT8 checkpoint of the same model, or a GGUF file.");
  fail(ErrorCode::kInvalidArgument, str_cat(where, "; a scheme of LightX2V is needed."),
       "fp8-sgl is the one of the FP8 checkpoint, int8-vllm of the INT8 one, Default of BF16.");
}

}  // namespace reel::compat::lightx2v
