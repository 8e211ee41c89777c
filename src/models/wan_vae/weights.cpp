// SPDX-License-Identifier: Apache-2.0
#include "models/wan_vae/weights.h"

#include "models/wan_vae/names.h"

namespace reel::wan_vae {
namespace {

using checkpoint::NameUnit;
using memory::WeightSource;
using models::Binder;

TensorView vector_of(const TensorView& tensor) { return tensor.reshaped({tensor.elements()}); }

bool has_row(const NameUnit& unit, Role role) {
  for (const auto& row : unit.rows) {
    if (row.role == role) return true;
  }
  return false;
}

ResidualWeights bind_residual(const WeightSource& source, const NameUnit& unit) {
  const Binder binder{source, unit};
  ResidualWeights weights{.norm1 = vector_of(binder.tensor(kResidual, kNorm1)),
                          .norm2 = vector_of(binder.tensor(kResidual, kNorm2)),
                          .conv1 = binder.conv(kResidual, kConv1),
                          .conv2 = binder.conv(kResidual, kConv2),
                          .shortcut = {}};
  if (has_row(unit, kShortcut)) weights.shortcut = binder.linear(kResidual, kShortcut);
  return weights;
}

AttentionWeights bind_attention(const WeightSource& source, const NameUnit& unit) {
  const Binder binder{source, unit};
  return {.norm = vector_of(binder.tensor(kAttn, kAttnNorm)),
          .q = binder.linear(kAttn, kQkv, 0),
          .k = binder.linear(kAttn, kQkv, 1),
          .v = binder.linear(kAttn, kQkv, 2),
          .projection = binder.linear(kAttn, kProjection)};
}

ResampleWeights bind_resample(const WeightSource& source, const NameUnit& unit) {
  const Binder binder{source, unit};
  ResampleWeights weights{
      .even_frame = {}, .odd_frame = {}, .space = binder.conv(kResample, kSpaceConv)};
  if (has_row(unit, kTimeConv)) {
    weights.even_frame = binder.conv(kResample, kTimeConv, 0);
    weights.odd_frame = binder.conv(kResample, kTimeConv, 1);
  }
  return weights;
}

}  // namespace

DecoderWeights bind_decoder(const WeightSource& source) {
  const NameUnit unit = top_unit();
  const Binder top{source, unit};
  DecoderWeights weights{.latent = top.linear(kTop, kLatentConv),
                         .first = top.conv(kTop, kFirstConv),
                         .middle0 = bind_residual(source, middle_residual_unit(0)),
                         .middle2 = bind_residual(source, middle_residual_unit(2)),
                         .middle1 = bind_attention(source, middle_attention_unit()),
                         .residuals = {},
                         .resamples = {},
                         .head_norm = vector_of(top.tensor(kTop, kHeadNorm)),
                         .head = top.conv(kTop, kHeadConv)};
  for (int level = 0; level < kLevels; ++level) {
    const auto at = static_cast<size_t>(level);
    for (int index = 0; index < kResidualsPerLevel; ++index) {
      weights.residuals[at][static_cast<size_t>(index)] =
          bind_residual(source, residual_unit(level, index));
    }
    if (level + 1 < kLevels) weights.resamples[at] = bind_resample(source, resample_unit(level));
  }
  return weights;
}

}  // namespace reel::wan_vae
