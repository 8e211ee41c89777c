// SPDX-License-Identifier: Apache-2.0
// The UMT5 text encoder: token ids in, one row of text states per token out.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/buffer.h"
#include "memory/weight_source.h"
#include "models/umt5/config.h"
#include "ops/context.h"

namespace reel::umt5 {

class Encoder {
 public:
  // `weights` must outlive this object.
  Encoder(const Config& config, memory::BlockSource& weights)
      : config_(config), weights_(weights) {}

  const Config& config() const { return config_; }

  // Text states [ids, dim] f32 of the real tokens alone: padding is masked in the reference, so
  // it takes no part and is not computed. In host memory.
  //
  //   ids       1 to 512 token ids, "</s>" included
  //   on_layer  called after each layer with the number done
  //
  // Numerics: the residual stream is f32; products in ctx.compute.
  // Throws kInvalidArgument for no ids or an id beyond the vocabulary.
  // Source: Wan 2.1, wan/modules/t5.py, T5Encoder.forward; no 1/sqrt(d) in its attention.
  Tensor encode(ops::Context& ctx, std::span<const int32_t> ids,
                const std::function<void(int)>& on_layer = {});

 private:
  Config config_;
  memory::BlockSource& weights_;
};

}  // namespace reel::umt5
