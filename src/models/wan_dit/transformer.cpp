// SPDX-License-Identifier: Apache-2.0
#include "models/wan_dit/transformer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "memory/tags.h"
#include "models/wan_dit/patchify.h"
#include "nn/rope3d.h"
#include "nn/sequence_parallel.h"
#include "nn/time_embedding.h"
#include "ops/elementwise.h"
#include "ops/norm.h"

namespace reel::wan_dit {
namespace {

using ops::Epilogue;

TensorView sum_of(ops::Context& ctx, ops::Scratch& scratch, const TensorView& a,
                  const TensorView& b) {
  const TensorView out = scratch.f32(a.shape);
  ops::add(ctx, a, b, out);
  return out;
}

// `where`: "patch embedding", "self-attention of block 3".
void require_finite(ops::Context& ctx, const TensorView& x, const std::string& where,
                    const std::string& kernels) {
  constexpr int64_t kAtOnce = int64_t{4} << 20;
  Tensor host(x.dtype, {std::min(kAtOnce, x.elements())}, "the check of a block");
  for (int64_t begin = 0; begin < x.elements(); begin += kAtOnce) {
    ctx.stop.check();
    const auto count = static_cast<size_t>(std::min(kAtOnce, x.elements() - begin));
    ctx.memory.download(host.view().data, x.as<float>() + begin, count * sizeof(float), ctx.stream);
    const auto part = host.values<float>().subspan(0, count);
    if (!std::ranges::all_of(part, [](float value) { return std::isfinite(value); })) {
      throw NotFinite(where, kernels);
    }
  }
}

}  // namespace

NotFinite::NotFinite(std::string part, const std::string& kernels)
    : Error(ErrorCode::kBadFile,
            str_cat("The ", part, " of the DiT gives numbers that are not finite, also with ",
                    kernels, '.'),
            "Its weights are damaged: compare their checksums, or download them again."),
      part_(std::move(part)) {}

Prompt::Prompt(const Config& config, const ops::Context& ctx, int64_t keys)
    : text_(ctx.memory, ctx.compute, {keys, config.dim}, memory::tags::kPrompt),
      key_bias_(ctx.memory, DType::kF32, {keys}, memory::tags::kPrompt),
      k_(static_cast<size_t>(config.layers)),
      v_(static_cast<size_t>(config.layers)) {}

Prompt Transformer::make_prompt(ops::Context& ctx, const TensorView& text_states) {
  const int64_t rows = text_states.rows();
  REEL_REQUIRE(rows >= 1 && rows <= config_.text_len && text_states.width() == config_.text_dim,
               kInvalidArgument,
               str_cat("The text states are ", text_states.shape, "; this model takes [1 to ",
                       config_.text_len, ", ", config_.text_dim, "]."));
  const int64_t padding = config_.text_len - rows;
  const int64_t keys = rows + (padding > 0 ? 1 : 0);
  Prompt prompt(config_, ctx, keys);

  ops::Scratch scratch{ctx};
  const TensorView padded = scratch.f32({keys, config_.text_dim});
  ctx.memory.zero(padded.data, static_cast<size_t>(padded.size_bytes()), ctx.stream);
  ctx.memory.upload(padded.data, text_states.data, static_cast<size_t>(text_states.size_bytes()),
                    ctx.stream);
  const TensorView hidden = scratch.make(ctx.compute, {keys, config_.dim});
  const SetupWeights w = bind_setup(weights_.setup());
  nn::linear(ctx, w.text_in, padded, hidden, Epilogue::kGeluTanh);
  nn::linear(ctx, w.text_out, hidden, prompt.text_);

  std::vector<float> bias(static_cast<size_t>(keys), 0.0f);
  if (padding > 0) bias.back() = std::log(static_cast<float>(padding));
  ctx.memory.upload(prompt.key_bias_.view().data, bias.data(), bias.size() * sizeof(float),
                    ctx.stream);
  return prompt;
}

void Transformer::embed_time(ops::Context& ctx, float timestep, const TensorView& e,
                             const TensorView& e0) {
  ops::Scratch scratch{ctx};
  const SetupWeights w = bind_setup(weights_.setup());
  Tensor sinusoid(DType::kF32, {1, config_.freq_dim});
  nn::fill_time_sinusoid(timestep, sinusoid);
  const TensorView hidden = scratch.f32({1, config_.dim});
  const TensorView activated = scratch.f32({1, config_.dim});
  nn::linear(ctx, w.time_in, scratch.upload(sinusoid), hidden, Epilogue::kSilu);
  // The head takes e as it is, the blocks' projection takes silu(e).
  nn::linear(ctx, w.time_out, hidden, e);
  nn::linear(ctx, w.time_out, hidden, activated, Epilogue::kSilu);
  nn::linear(ctx, w.time_projection, activated, e0);
}

TimeModulation Transformer::make_time_modulation(ops::Context& ctx,
                                                 const std::vector<float>& timesteps) {
  const auto steps = static_cast<int64_t>(timesteps.size());
  const char* const what = memory::tags::kTimeModulation;
  TimeModulation time{.blocks = Tensor(ctx.memory, DType::kF32, {steps, 6, config_.dim}, what),
                      .head = Tensor(ctx.memory, DType::kF32, {steps, config_.dim}, what)};
  for (int64_t step = 0; step < steps; ++step) {
    embed_time(ctx, timesteps[static_cast<size_t>(step)], time.head.view().slice(step, 1),
               time.blocks.view().slice(step, 1).reshaped({1, 6 * config_.dim}));
  }
  return time;
}

void Transformer::head(ops::Context& ctx, const TensorView& x, const TensorView& e,
                       const TensorView& out) {
  ops::Scratch scratch{ctx};
  const TopWeights top = bind_top(weights_.fixed());
  const TensorView modulation = top.head_modulation.reshaped({2, config_.dim});
  const TensorView shift = sum_of(ctx, scratch, modulation.slice(0, 1), e);
  const TensorView scale = sum_of(ctx, scratch, modulation.slice(1, 1), e);
  const int64_t chunk = ctx.row_chunk > 0 ? ctx.row_chunk : x.rows();
  const TensorView y = scratch.f32({std::min(chunk, x.rows()), x.width()});
  for (int64_t row = 0; row < x.rows(); row += chunk) {
    const int64_t rows = std::min(chunk, x.rows() - row);
    ops::layer_norm_modulate(ctx, x.slice(row, rows), scale, shift, kEps, y.slice(0, rows));
    nn::linear(ctx, top.head, y.slice(0, rows), out.slice(row, rows));
  }
}

void Transformer::run_blocks(ops::Context& ctx, StepInputs step, Prompt& prompt,
                             const TensorView& x, const ForwardOptions& options) {
  const bool is_checked = !options.checked_kernels.empty();
  for (int index = 0; index < config_.layers; ++index) {
    ctx.stop.check();
    const BlockWeights w = bind_block(weights_.acquire(index, ctx.stream), index);
    Tensor& k = prompt.k_[static_cast<size_t>(index)];
    Tensor& v = prompt.v_[static_cast<size_t>(index)];
    if (k.empty()) {
      Tensor keys(ctx.memory, ctx.compute, prompt.text_.shape(), memory::tags::kPrompt);
      Tensor values(ctx.memory, ctx.compute, prompt.text_.shape(), memory::tags::kPrompt);
      fill_text_keys(ctx, w, prompt.text_, {.k = keys, .v = values, .key_bias = {}});
      k = std::move(keys);
      v = std::move(values);
    }
    const TextKeys text{.k = k, .v = v, .key_bias = prompt.key_bias_};
    if (is_checked) {
      step.after_part = [&](const char* part) {
        require_finite(ctx, x, str_cat(part, " of block ", index), options.checked_kernels);
      };
    }
    block_forward(ctx, w, step, text, x);
    if (options.on_residual) options.on_residual(index, x);
    if (options.on_block) options.on_block(index + 1);
  }
}

const Transformer::HostRows& Transformer::host_rows(const nn::TokenGrid& grid) {
  if (host_rows_ && host_rows_->grid == grid) return *host_rows_;
  host_rows_.emplace(HostRows{
      .grid = grid,
      .patches = Tensor(DType::kF32, {grid.tokens(), config_.patch_dim()}, "the patches"),
      .angles = Tensor(DType::kF32, {grid.tokens(), kHeadDim / 2, 2}, "the rotation table")});
  nn::fill_rope3d(grid, kHeadDim, host_rows_->angles);
  return *host_rows_;
}

void Transformer::forward(ops::Context& ctx, const TensorView& latent, const TimeModulation& time,
                          int64_t step_index, Prompt& prompt, const TensorView& velocity,
                          const ForwardOptions& options) {
  const nn::TokenGrid grid = token_grid(latent.shape);
  REEL_REQUIRE(latent.shape[0] == config_.channels && velocity.shape == latent.shape,
               kInvalidArgument,
               str_cat("The latent is ", latent.shape, "; this model takes ", config_.channels,
                       " channels."));
  std::optional<nn::SequenceParallel> split;
  if (options.ranks != nullptr) {
    split.emplace(*options.ranks, grid.tokens(), config_.heads(), kHeadDim);
  }
  const nn::Share own = split ? split->rows() : nn::Share{0, grid.tokens()};
  ops::Scratch scratch{ctx};
  const TensorView x = scratch.f32({own.count, config_.dim});
  const HostRows& host = host_rows(grid);
  const Tensor& patches = host.patches;
  patchify(latent, patches);
  const TensorView patch_rows = scratch.upload(patches.view().slice(own.begin, own.count));
  nn::linear(ctx, bind_top(weights_.fixed()).patch, patch_rows, x);
  const TensorView rope = scratch.upload(host.angles);

  const bool is_checked = !options.checked_kernels.empty();
  if (is_checked) require_finite(ctx, x, "patch embedding", options.checked_kernels);
  run_blocks(ctx,
             {.time_mod = time.blocks.view().slice(step_index, 1).reshaped({6, config_.dim}),
              .rope = rope,
              .split = split ? &*split : nullptr},
             prompt, x, options);
  head(ctx, x, time.head.view().slice(step_index, 1), patch_rows);
  if (is_checked) require_finite(ctx, patch_rows, "head", options.checked_kernels);
  TensorView all_rows = patch_rows;
  if (split) {
    all_rows = scratch.f32(patches.shape());
    split->gather_rows(ctx, patch_rows, all_rows);
  }
  ctx.memory.download(patches.view().data, all_rows.data,
                      static_cast<size_t>(all_rows.size_bytes()), ctx.stream);
  unpatchify(patches, velocity);
}

}  // namespace reel::wan_dit
