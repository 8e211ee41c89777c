// SPDX-License-Identifier: Apache-2.0
// Source: Wan 2.1, wan/modules/model.py: patch_embedding (a Conv3d) and WanModel.unpatchify.
#include "models/wan_dit/patchify.h"

#include "base/error.h"
#include "base/parallel.h"
#include "models/wan_dit/config.h"

namespace reel::wan_dit {
namespace {

// Rows of tokens for a thread at least: the GPU waits meanwhile.
constexpr int64_t kRowGrain = 16;

// Calls visit(token, place within the patch, channel, offset in the latent) for every value, from
// several threads.
template <typename Visit>
void for_each_value(const Shape& latent, Visit visit) {
  const nn::TokenGrid grid = token_grid(latent);
  const int64_t rows = latent[2];
  const int64_t cols = latent[3];
  const auto visit_row = [&](int64_t frame, int64_t token_row, int64_t channel, int64_t within) {
    const int64_t first_token = (frame * grid.rows + token_row) * grid.cols;
    const int64_t row = token_row * kPatchRows + within;
    const int64_t first = ((channel * latent[1] + frame) * rows + row) * cols;
    for (int64_t col = 0; col < cols; ++col) {
      visit(first_token + col / kPatchCols, within * kPatchCols + col % kPatchCols, channel,
            first + col);
    }
  };
  parallel_for(grid.frames * grid.rows, kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      for (int64_t channel = 0; channel < latent[0]; ++channel) {
        for (int64_t within = 0; within < kPatchRows; ++within) {
          visit_row(at / grid.rows, at % grid.rows, channel, within);
        }
      }
    }
  });
}

}  // namespace

nn::TokenGrid token_grid(const Shape& latent) {
  REEL_REQUIRE(latent.axes() == 4 && latent[2] % kPatchRows == 0 && latent[3] % kPatchCols == 0,
               kInvalidArgument,
               str_cat("The latent is ", latent,
                       "; [channels, frames, rows, cols] with even rows and cols is needed."));
  return {latent[1], latent[2] / kPatchRows, latent[3] / kPatchCols};
}

void patchify(const TensorView& latent, const TensorView& out) {
  constexpr int64_t kPlaces = kPatchRows * kPatchCols;
  const int64_t width = out.width();
  for_each_value(latent.shape, [&](int64_t token, int64_t place, int64_t channel, int64_t at) {
    out.as<float>()[token * width + channel * kPlaces + place] = latent.as<float>()[at];
  });
}

void unpatchify(const TensorView& tokens, const TensorView& latent) {
  const int64_t width = tokens.width();
  const int64_t channels = latent.shape[0];
  for_each_value(latent.shape, [&](int64_t token, int64_t place, int64_t channel, int64_t at) {
    latent.as<float>()[at] = tokens.as<float>()[token * width + place * channels + channel];
  });
}

}  // namespace reel::wan_dit
