// SPDX-License-Identifier: Apache-2.0
#include "unit/models/blind_machine.h"

#include "prepare/weight_items.h"

namespace reel::test {
namespace {

// Weights are never looked into, only whether they are there.
void* const kSomewhere = reinterpret_cast<void*>(uintptr_t{64});

class BlindBlock : public memory::WeightSource {
 public:
  BlindBlock(const memory::WeightBlock& block, const memory::DevicePrecision& precision)
      : precision_(precision) {
    for (const memory::WeightItem& item : block.items) items_[item.name] = item;
  }

  bool has(std::string_view name) const override { return items_.contains(name); }
  TensorView tensor(std::string_view name) const override {
    return {.data = kSomewhere, .dtype = DType::kF32, .shape = item(name).shape};
  }
  MatrixView matrix(std::string_view name, int) const override {
    const memory::WeightItem& found = item(name);
    return {.data = kSomewhere,
            .dtype = memory::device_dtype(found, precision_),
            .out = found.shape[0] / found.parts,
            .in = found.shape.elements() / found.shape[0]};
  }
  ConvView conv(std::string_view name, int) const override {
    return {
        .data = kSomewhere, .dtype = precision_.compute, .shape = prepare::conv_shape(item(name))};
  }
  void gather_rows(std::string_view, std::span<const int32_t>, const TensorView&) const override {}

 private:
  const memory::WeightItem& item(std::string_view name) const { return items_.find(name)->second; }

  memory::DevicePrecision precision_;
  std::map<std::string, memory::WeightItem, std::less<>> items_;
};

ops::Kernels make_kernels() {
  const auto nothing = [](const auto&, Stream) {};
  ops::Kernels k;
  k.backend = "blind";
  k.most_flops_per_call = int64_t{1} << 42;
  k.linear = nothing;
  k.quantise_rows = nothing;
  k.attention = nothing;
  k.quantise_queries = nothing;
  k.quantise_keys = nothing;
  k.prepare_values = nothing;
  k.int8_attention = nothing;
  k.expand_bias = nothing;
  k.layer_norm = nothing;
  k.rms_norm = nothing;
  k.gated_gelu = nothing;
  k.add = nothing;
  k.cast = nothing;
  k.l2_norm = nothing;
  k.conv = nothing;
  k.upsample2x = nothing;
  return k;
}

}  // namespace

const ops::Kernels& blind_kernels() {
  static const ops::Kernels kernels = make_kernels();
  return kernels;
}

BlindWeights::BlindWeights(const memory::Manifest& manifest,
                           const memory::DevicePrecision& precision)
    : fixed_(std::make_unique<BlindBlock>(manifest.fixed, precision)),
      setup_(std::make_unique<BlindBlock>(manifest.setup, precision)) {
  for (const memory::WeightBlock& block : manifest.blocks) {
    blocks_.push_back(std::make_unique<BlindBlock>(block, precision));
  }
}

}  // namespace reel::test
