// SPDX-License-Identifier: Apache-2.0
#include "models/umt5/weights.h"

#include "models/binding/binder.h"
#include "models/umt5/names.h"

namespace reel::umt5 {

LayerWeights bind_layer(const memory::WeightSource& source, int index) {
  const checkpoint::NameUnit unit = layer_unit(index);
  const models::Binder layer{source, unit};
  return {.attn_norm = layer.tensor(kAttn, kNorm),
          .q = {.weight = layer.matrix(kAttn, kQ), .bias = {}},
          .k = {.weight = layer.matrix(kAttn, kK), .bias = {}},
          .v = {.weight = layer.matrix(kAttn, kV), .bias = {}},
          .out = {.weight = layer.matrix(kAttn, kOut), .bias = {}},
          .relative_bias = layer.tensor(kAttn, kRelativeBias),
          .ffn_norm = layer.tensor(kFfn, kNorm),
          .gate = {.weight = layer.matrix(kFfn, kGate), .bias = {}},
          .up = {.weight = layer.matrix(kFfn, kUp), .bias = {}},
          .down = {.weight = layer.matrix(kFfn, kDown), .bias = {}}};
}

}  // namespace reel::umt5
