// SPDX-License-Identifier: Apache-2.0
#include "ops/observed_kernels.h"

namespace reel::ops {
namespace {

template <typename Args>
Kernel<Args> watched(const Kernel<Args>& entry, const KernelNames& names, OpObserver& observer) {
  if (!entry) return {};
  return [entry, names, &observer](const Args& args, Stream stream) {
    const int64_t ticket = observer.begin(stream);
    entry(args, stream);
    observer.end(ticket, record_of(names, args), stream);
  };
}

}  // namespace

Kernels observed(const Kernels& kernels, OpObserver& observer) {
  const KernelNames names(kernels);
  Kernels table = kernels;
  const auto watch = [&](auto& entry) { entry = watched(entry, names, observer); };
  watch(table.linear);
  watch(table.pack_matrix);
  watch(table.quantise_rows);
  watch(table.prepare_rows);
  watch(table.add_delta);
  watch(table.attention);
  watch(table.quantise_queries);
  watch(table.quantise_keys);
  watch(table.prepare_values);
  watch(table.int8_attention);
  watch(table.expand_bias);
  watch(table.layer_norm);
  watch(table.rms_norm);
  watch(table.gated_gelu);
  watch(table.add);
  watch(table.cast);
  watch(table.l2_norm);
  watch(table.pack_conv);
  watch(table.conv);
  watch(table.upsample2x);
  return table;
}

}  // namespace reel::ops
