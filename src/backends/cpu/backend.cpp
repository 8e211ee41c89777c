// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/backend.h"

#include "backends/cpu/reference_kernels.h"
#include "base/env.h"
#ifdef REEL_WITH_ONEDNN
#include "backends/cpu/amx_tiles.h"
#include "backends/cpu/onednn_kernels.h"
#include "backends/cpu/vector_kernels.h"
#endif

namespace reel::cpu {
namespace {

Isa detected_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  const bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
#ifdef REEL_WITH_ONEDNN
  if (bf16 && amx::available()) return Isa::kAmx;
#endif
  if (bf16) return Isa::kAvx512Bf16;
  if (avx512) return Isa::kAvx512;
  if (avx2) return Isa::kAvx2;
#endif
  return Isa::kBaseline;
}

Isa limited_isa() {
  const Isa detected = detected_isa();
  const std::string limit = env::get("REEL_CPU_ISA").value_or("");
  for (const Isa isa : {Isa::kBaseline, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16}) {
    if (limit == isa_name(isa) && isa < detected) return isa;
  }
  return detected;
}

#ifdef REEL_WITH_ONEDNN
// What a core of a CPU with a matrix unit multiplies in f32, without it, within the 0.2 s between
// looks at the stop flag. Fewer flops would read the weights anew for fewer rows.
constexpr int64_t kMostAmxFlops = int64_t{16} << 30;
#endif

ops::Kernels make_kernels() {
  ops::Kernels table = reference_kernels();
#ifdef REEL_WITH_ONEDNN
  if (usable_isa() >= Isa::kAvx2) {
    table.backend = "cpu";
    if (usable_isa() >= Isa::kAmx) table.most_flops_per_call = kMostAmxFlops;
    add_vector_kernels(table, usable_isa());
    add_onednn_kernels(table, usable_isa());
  }
#endif
  return table;
}

}  // namespace

Isa usable_isa() {
  static const Isa isa = limited_isa();
  return isa;
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kBaseline: return "baseline";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx512: return "avx512";
    case Isa::kAvx512Bf16: return "avx512_bf16";
    case Isa::kAmx: return "amx";
  }
  return "unknown";
}

bool supports_compute(DType dtype) {
  if (dtype == DType::kF32) return true;
#ifdef REEL_WITH_ONEDNN
  if (usable_isa() == Isa::kAvx2) return false;
#endif
  return dtype == DType::kBF16;
}

DType preferred_compute() {
#ifdef REEL_WITH_ONEDNN
  if (usable_isa() >= Isa::kAvx512Bf16) return DType::kBF16;
#endif
  return DType::kF32;
}

const ops::Kernels& reference_kernels() {
  static const ops::Kernels table{
      .backend = "cpu reference",
      .linear = reference::linear,
      .packed_matrix_bytes = reference::packed_matrix_bytes,
      .pack_matrix = reference::pack_matrix,
      .quantise_rows = reference::quantise_rows,
      .prepare_rows = reference::prepare_rows,
      .add_delta = reference::add_delta,
      .attention = reference::attention,
      .quantise_queries = reference::quantise_queries,
      .quantise_keys = reference::quantise_keys,
      .prepare_values = reference::prepare_values,
      .int8_attention = reference::int8_attention,
      .expand_bias = reference::expand_bias,
      .layer_norm = reference::layer_norm,
      .rms_norm = reference::rms_norm,
      .gated_gelu = reference::gated_gelu,
      .add = reference::add,
      .cast = reference::cast,
      .l2_norm = reference::l2_norm,
      .packed_conv_bytes = reference::packed_conv_bytes,
      .pack_conv = reference::pack_conv,
      .conv = reference::conv,
      .upsample2x = reference::upsample2x,
  };
  return table;
}

const ops::Kernels& kernels() {
  static const ops::Kernels table = make_kernels();
  return table;
}

std::string kernels_summary() {
#ifdef REEL_WITH_ONEDNN
  if (usable_isa() >= Isa::kAvx2) return onednn_version() + ", " + isa_name(usable_isa());
#endif
  return "reference kernels (slow)";
}

}  // namespace reel::cpu
