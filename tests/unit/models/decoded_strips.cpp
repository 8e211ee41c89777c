// SPDX-License-Identifier: Apache-2.0
#include "unit/models/decoded_strips.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/arena.h"
#include "formats/safetensors_writer.h"
#include "models/wan_vae/decoder.h"
#include "models/wan_vae/names.h"
#include "models/wan_vae/strips.h"
#include "ops/context.h"
#include "prepare/host_preparer.h"
#include "support/random_tensor.h"
#include "unit/models/fixed_weights.h"

namespace reel::test {
RandomDecoder::RandomDecoder(const ops::Kernels& kernels, DType compute, uint64_t seed,
                             const StopFlag* stop)
    : kernels_(kernels), compute_(compute), stop_(stop != nullptr ? *stop : own_stop_) {
  const auto needed = checkpoint::needed_tensors(wan_vae::name_units(), wan_vae::dims_of(config_));
  std::vector<formats::TensorSpec> specs;
  for (const auto& tensor : needed) specs.push_back({tensor.name, DType::kF32, tensor.shape});
  const auto path = folder_ / "vae.safetensors";
  const auto writer = formats::start_safetensors(path, specs, {});
  for (const auto& spec : specs) {
    // Of a size that keeps the signal's, whatever the number of inputs; gammas about 1.
    const auto inputs = static_cast<float>(spec.shape.elements() / spec.shape[0]);
    const float most = inputs > 1 ? std::sqrt(3.0f / inputs) : 1.5f;
    writer->append(random_tensor(spec.shape, DType::kF32, ++seed, -most, most).bytes());
  }
  writer->commit();
  const std::shared_ptr<const formats::TensorFile> file = formats::open_tensor_file(path);
  for (const formats::TensorEntry& entry : file->entries()) {
    component_.tensors[entry.name] = {.file = file, .entry = &entry};
  }
  prepare::HostPreparer preparer(component_, kernels_, {compute, compute}, stop_);
  weights_ = preparer.prepare(prepare::make_manifest(needed).fixed);
}

Tensor RandomDecoder::frames_of(const Shape& latent, const Run& run) const {
  Arena arena{"activations"};
  ops::Context ctx{.kernels = kernels_, .arena = arena, .stop = stop_, .compute = compute_};
  FixedWeights weights(*weights_);
  Tensor frames = poisoned_tensor({wan_vae::frames_of(latent[1]), 8 * latent[2], 8 * latent[3], 3},
                                  DType::kF32);
  int64_t count = 0;
  run(ctx, weights, [&](const TensorView& frame) {
    const TensorView to = frames.view().slice(count++, 1);
    ASSERT_EQ(frame.size_bytes(), to.size_bytes());
    std::memcpy(to.data, frame.data, static_cast<size_t>(to.size_bytes()));
  });
  EXPECT_EQ(count, frames.shape()[0]);
  return frames;
}

Tensor RandomDecoder::decode(const TensorView& latents, int strips) const {
  return frames_of(latents.shape, [&](ops::Context& ctx, memory::BlockSource& weights,
                                      const wan_vae::Decoder::FrameSink& sink) {
    wan_vae::Decoder(weights).decode(ctx, latents, sink, {.strips = strips});
  });
}

Tensor RandomDecoder::decode(const Shape& latent, int strips) const {
  return decode(random_tensor(latent, DType::kF32, 5, -2, 2), strips);
}

Tensor RandomDecoder::decode_tiled(const TensorView& latents,
                                   const wan_vae::TiledDecoder::Counter& on_tile_frame) const {
  return frames_of(latents.shape, [&](ops::Context& ctx, memory::BlockSource& weights,
                                      const wan_vae::Decoder::FrameSink& sink) {
    wan_vae::TiledDecoder(weights).decode(ctx, latents, sink, nullptr, on_tile_frame);
  });
}

void RandomDecoder::expect_strips_like_whole(const Shape& latent,
                                             std::initializer_list<int> counts) const {
  const Tensor whole = decode(latent, 1);
  for (const float pixel : whole.values<float>()) ASSERT_TRUE(std::isfinite(pixel));
  for (const int strips : counts) {
    if (strips > wan_vae::most_strips(latent[2])) continue;
    const Tensor cut = decode(latent, strips);
    EXPECT_EQ(std::memcmp(whole.bytes().data(), cut.bytes().data(), whole.bytes().size()), 0)
        << latent << " in " << strips << " strips";
  }
}

}  // namespace reel::test
