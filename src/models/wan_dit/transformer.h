// SPDX-License-Identifier: Apache-2.0
// The Wan video DiT: a noisy latent, a timestep and a prompt in, a velocity out.
#pragma once

#include <reel/error.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "memory/weight_source.h"
#include "models/wan_dit/block.h"
#include "models/wan_dit/config.h"
#include "nn/rope3d.h"
#include "ops/context.h"

namespace reel::wan_dit {

// A prompt as the network keeps it: text rows for the first pass, then keys and values per block.
class Prompt {
 public:
  Prompt(const Config& config, const ops::Context& ctx, int64_t keys);

 private:
  friend class Transformer;
  Tensor text_;                // [keys, dim] compute dtype
  Tensor key_bias_;            // [keys] f32
  std::vector<Tensor> k_, v_;  // per block, filled at its first use
};

// The time modulation of every step, made once per schedule, where the context computes.
struct TimeModulation {
  Tensor blocks;  // [steps, 6, dim] f32
  Tensor head;    // [steps, dim] f32
};

// What a checked pass ends with. Its sentence says that safer kernels gave no better numbers.
class NotFinite : public Error {
 public:
  NotFinite(std::string part, const std::string& kernels);
  const std::string& part() const { return part_; }  // "self-attention of block 2"

 private:
  std::string part_;
};

struct ForwardOptions {
  std::function<void(int)> on_block;  // called after each block with the number done
  // When not empty: looks for numbers that are not finite after each part of each block. Throws
  // NotFinite (kBadFile) with the first bad part and this, the kernels in words.
  std::string checked_kernels;
  // Called after each block with its index and the residual stream [tokens, dim] f32, where the
  // context computes; what is written there is what the next block gets. Of this rank's tokens.
  std::function<void(int, const TensorView&)> on_residual;
  // The ranks that share this pass, each in a call of its own with the same inputs; every one gets
  // the whole velocity. Null for one rank.
  comm::Communicator* ranks = nullptr;
};

class Transformer {
 public:
  // `weights` must outlive this object.
  Transformer(const Config& config, memory::BlockSource& weights)
      : config_(config), weights_(weights) {}

  const Config& config() const { return config_; }

  // `text_states` [n, text_dim] f32: the encoder's rows of real tokens, 1 <= n <= text_len. The
  // rows up to text_len are zeros; being identical they become one key with a bias of ln(their
  // number), which is exact. In host memory, as `latent` and `velocity` below.
  Prompt make_prompt(ops::Context& ctx, const TensorView& text_states);

  TimeModulation make_time_modulation(ops::Context& ctx, const std::vector<float>& timesteps);

  // velocity = DiT(latent, timestep of step `step_index`, prompt).
  //
  //   latent    [channels, latent_frames, latent_rows, latent_cols] f32; rows and cols even
  //   velocity  as latent
  //
  // Numerics: the residual stream is f32; products in ctx.compute. Ranks sum the same numbers in
  // the same order as one rank would. Throws kCancelled when the stop flag is set or another rank
  // gave up, kInvalidArgument when there are more ranks than heads or tokens. Source: Wan 2.1,
  // wan/modules/model.py, WanModel.forward.
  void forward(ops::Context& ctx, const TensorView& latent, const TimeModulation& time,
               int64_t step_index, Prompt& prompt, const TensorView& velocity,
               const ForwardOptions& options = {});

 private:
  // Runs all blocks on x [own tokens, dim] f32.
  void run_blocks(ops::Context& ctx, StepInputs step, Prompt& prompt, const TensorView& x,
                  const ForwardOptions& options);
  void embed_time(ops::Context& ctx, float timestep, const TensorView& e, const TensorView& e0);
  void head(ops::Context& ctx, const TensorView& x, const TensorView& e, const TensorView& out);

  // In host memory. They stay between passes: new memory comes page by page, slowly, and a GPU
  // would wait.
  struct HostRows {
    nn::TokenGrid grid;
    Tensor patches;  // [tokens, patch_dim] f32
    Tensor angles;   // [tokens, head_dim / 2, 2] f32: the rotation table
  };
  const HostRows& host_rows(const nn::TokenGrid& grid);

  Config config_;
  memory::BlockSource& weights_;
  std::optional<HostRows> host_rows_;
};

}  // namespace reel::wan_dit
