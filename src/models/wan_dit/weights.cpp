// SPDX-License-Identifier: Apache-2.0
#include "models/wan_dit/weights.h"

#include "models/binding/binder.h"
#include "models/wan_dit/names.h"

namespace reel::wan_dit {
namespace {

using models::Binder;

AttentionWeights bind_attention(const Binder& block, Group group) {
  return {.q = block.linear(group, kQ),
          .k = block.linear(group, kK),
          .v = block.linear(group, kV),
          .out = block.linear(group, kOut),
          .q_norm = block.tensor(group, kQNorm),
          .k_norm = block.tensor(group, kKNorm)};
}

}  // namespace

TopWeights bind_top(const memory::WeightSource& source) {
  const checkpoint::NameUnit patch_rows = patch_unit();
  const checkpoint::NameUnit head_rows = head_unit();
  const Binder patch{source, patch_rows};
  const Binder head{source, head_rows};
  return {.patch = patch.linear(kTop, kPatch),
          .head = head.linear(kTop, kHead),
          .head_modulation = head.tensor(kTop, kHeadModulation)};
}

SetupWeights bind_setup(const memory::WeightSource& source) {
  const checkpoint::NameUnit unit = setup_unit();
  const Binder setup{source, unit};
  return {.text_in = setup.linear(kTop, kTextIn),
          .text_out = setup.linear(kTop, kTextOut),
          .time_in = setup.linear(kTop, kTimeIn),
          .time_out = setup.linear(kTop, kTimeOut),
          .time_projection = setup.linear(kTop, kTimeProjection)};
}

BlockWeights bind_block(const memory::WeightSource& source, int index) {
  const checkpoint::NameUnit unit = block_unit(index);
  const Binder block{source, unit};
  return {.modulation = block.tensor(kBlock, kModulation),
          .self_attn = bind_attention(block, kSelfAttn),
          .cross_norm_weight = block.tensor(kBlock, kCrossNormWeight),
          .cross_norm_bias = block.tensor(kBlock, kCrossNormBias),
          .cross_attn = bind_attention(block, kCrossAttn),
          .up = block.linear(kMlp, kUp),
          .down = block.linear(kMlp, kDown)};
}

}  // namespace reel::wan_dit
