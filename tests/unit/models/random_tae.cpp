// SPDX-License-Identifier: Apache-2.0
#include "unit/models/random_tae.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/arena.h"
#include "formats/safetensors_writer.h"
#include "models/tae/decoder.h"
#include "models/tae/names.h"
#include "ops/context.h"
#include "prepare/host_preparer.h"
#include "support/random_tensor.h"
#include "unit/models/fixed_weights.h"

namespace reel::test {

RandomTae::RandomTae(const ops::Kernels& kernels, DType compute, const tae::Config& config,
                     uint64_t seed)
    : kernels_(kernels), compute_(compute), config_(config) {
  const auto needed = checkpoint::needed_tensors(tae::name_units(config), tae::dims_of(config));
  std::vector<formats::TensorSpec> specs;
  for (const auto& tensor : needed) specs.push_back({tensor.name, DType::kF32, tensor.shape});
  const auto path = folder_ / "tae.safetensors";
  const auto writer = formats::start_safetensors(path, specs, {});
  for (const auto& spec : specs) {
    // Of a size that keeps the signal's, whatever the number of inputs.
    const auto inputs = static_cast<float>(spec.shape.elements() / spec.shape[0]);
    const float most = inputs > 1 ? std::sqrt(3.0f / inputs) : 0.3f;
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

Tensor RandomTae::decode(const Tensor& latents, const tae::Config& config) const {
  Arena arena{"activations"};
  ops::Context ctx{.kernels = kernels_, .arena = arena, .stop = stop_, .compute = compute_};
  FixedWeights weights(*weights_);
  const Shape& shape = latents.shape();
  Tensor frames = poisoned_tensor(
      {tae::frames_of(shape[1]), tae::kRowStride * shape[2], tae::kRowStride * shape[3], 3},
      DType::kF32);
  int64_t count = 0;
  tae::Decoder(config, weights).decode(ctx, latents, [&](const TensorView& frame) {
    const TensorView to = frames.view().slice(count++, 1);
    ASSERT_EQ(frame.size_bytes(), to.size_bytes());
    std::memcpy(to.data, frame.data, static_cast<size_t>(to.size_bytes()));
  });
  EXPECT_EQ(count, frames.shape()[0]);
  return frames;
}

}  // namespace reel::test
