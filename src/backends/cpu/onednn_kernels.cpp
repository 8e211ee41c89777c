// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/onednn_kernels.h"

#include "backends/cpu/onednn_engine.h"
#include "backends/cpu/onednn_parts.h"

namespace reel::cpu {

void add_onednn_kernels(ops::Kernels& table, Isa isa) {
  if (isa == Isa::kAvx2) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
  table.packed_matrix_bytes = onednn::packed_matrix_bytes;
  table.pack_matrix = onednn::pack_matrix;
  table.linear = onednn::linear;
  table.quantise_rows = onednn::quantise_rows;
  table.attention = onednn::attention;
  table.packed_conv_bytes = onednn::packed_conv_bytes;
  table.pack_conv = onednn::pack_conv;
  table.conv = onednn::conv;
  table.which_linear = onednn::which_linear;
  table.which_attention = onednn::which_attention;
  table.which_conv = onednn::which_conv;
}

}  // namespace reel::cpu
