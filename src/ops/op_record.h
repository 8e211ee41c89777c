// SPDX-License-Identifier: Apache-2.0
// What one call of a kernel computes, for traces and reports.
#pragma once

#include <cstdint>

#include "core/shape.h"
#include "ops/kernels.h"

namespace reel::ops {

struct OpRecord {
  const char* op = "";      // the entry's name: "linear"
  const char* kernel = "";  // which of the backend's kernels ran; the backend where it has but one
  DType dtype = DType::kF32;  // of the weight, or of what is computed with
  Shape shape;
  int64_t bytes = 0;  // of operands and result, each counted once
  int64_t flops = 0;  // of products; 0 for the rest
};

// What a table's kernels are called.
struct KernelNames {
  explicit KernelNames(const Kernels& kernels)
      : backend(kernels.backend),
        linear(kernels.which_linear),
        attention(kernels.which_attention),
        int8_attention(kernels.which_int8_attention),
        conv(kernels.which_conv) {}

  const char* backend;
  const char* (*linear)(const LinearArgs&);
  const char* (*attention)(const AttentionArgs&);
  const char* (*int8_attention)(const Int8AttentionArgs&);
  const char* (*conv)(const ConvArgs&);
};

// Shapes: linear [rows, in, out], attention [queries, keys, heads, head_dim], conv [rows, cols,
// in_channels, out_channels, taps, kernel_rows], weights as they are stored, elementwise ops
// [elements], all others [rows, width].
OpRecord record_of(const KernelNames& names, const LinearArgs& args);
OpRecord record_of(const KernelNames& names, const PackMatrixArgs& args);
OpRecord record_of(const KernelNames& names, const QuantiseRowsArgs& args);
OpRecord record_of(const KernelNames& names, const PrepareRowsArgs& args);
OpRecord record_of(const KernelNames& names, const AddDeltaArgs& args);
OpRecord record_of(const KernelNames& names, const AttentionArgs& args);
OpRecord record_of(const KernelNames& names, const QuantiseQueriesArgs& args);
OpRecord record_of(const KernelNames& names, const QuantiseKeysArgs& args);
OpRecord record_of(const KernelNames& names, const PrepareValuesArgs& args);
OpRecord record_of(const KernelNames& names, const Int8AttentionArgs& args);
OpRecord record_of(const KernelNames& names, const ExpandBiasArgs& args);
OpRecord record_of(const KernelNames& names, const LayerNormArgs& args);
OpRecord record_of(const KernelNames& names, const RmsNormArgs& args);
OpRecord record_of(const KernelNames& names, const GatedGeluArgs& args);
OpRecord record_of(const KernelNames& names, const AddArgs& args);
OpRecord record_of(const KernelNames& names, const CastArgs& args);
OpRecord record_of(const KernelNames& names, const L2NormArgs& args);
OpRecord record_of(const KernelNames& names, const PackConvArgs& args);
OpRecord record_of(const KernelNames& names, const ConvArgs& args);
OpRecord record_of(const KernelNames& names, const Upsample2xArgs& args);

}  // namespace reel::ops
