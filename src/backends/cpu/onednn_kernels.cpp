// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/onednn_kernels.h"

#include <mutex>

#include "backends/cpu/onednn_engine.h"
#include "backends/cpu/onednn_parts.h"

namespace reel::cpu {
namespace {

std::mutex mutex;

// The stream, the scratch memory and the primitives that are kept are the process's: engines on
// several threads take turns, a call at a time.
template <auto kKernel>
struct InTurn;
template <typename Result, typename... Args, Result (*kKernel)(Args...)>
struct InTurn<kKernel> {
  static Result call(Args... args) {
    const std::lock_guard lock(mutex);
    return kKernel(args...);
  }
};
template <auto kKernel>
constexpr auto kInTurn = &InTurn<kKernel>::call;

}  // namespace

void add_onednn_kernels(ops::Kernels& table, Isa isa) {
  if (isa == Isa::kAvx2) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
  table.packed_matrix_bytes = kInTurn<onednn::packed_matrix_bytes>;
  table.pack_matrix = kInTurn<onednn::pack_matrix>;
  table.linear = kInTurn<onednn::linear>;
  table.quantise_rows = kInTurn<onednn::quantise_rows>;
  table.attention = kInTurn<onednn::attention>;
  table.packed_conv_bytes = kInTurn<onednn::packed_conv_bytes>;
  table.pack_conv = kInTurn<onednn::pack_conv>;
  table.conv = kInTurn<onednn::conv>;
  table.which_linear = onednn::which_linear;
  table.which_attention = onednn::which_attention;
  table.which_conv = onednn::which_conv;
}

}  // namespace reel::cpu
