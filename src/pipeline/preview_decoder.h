// SPDX-License-Identifier: Apache-2.0
// A TAE that is held beside the DiT, to draw previews with.
#pragma once

#include <functional>
#include <optional>

#include "core/planned_memory.h"
#include "memory/block_streamer.h"
#include "memory/weight_store.h"
#include "pipeline/latent_decoder.h"
#include "pipeline/runtime.h"
#include "prepare/device_preparer.h"
#include "prepare/host_preparer.h"

namespace reel::pipeline {

// Device memory of all of it but its activations, as a plan counts it.
uint64_t held_bytes(const memory::NetworkLoad& weights, const LatentDecoder::Footprint& takes);

class PreviewDecoder {
 public:
  // Reads the weights at once. On a GPU it takes its memory, for clips of this size, as one piece
  // of the runtime's, before the DiT takes any. `component`, `decoder` and `runtime` must outlive
  // this object.
  PreviewDecoder(const checkpoint::Component& component, const LatentDecoder& decoder,
                 const VideoSize& video, Runtime& runtime);
  ~PreviewDecoder();

  // Calls on_frame with each frame, as LatentDecoder::decode() does. The runtime's arena must be
  // empty, as it is between two steps.
  void decode(const Tensor& latents, const std::function<void(const TensorView&)>& on_frame);

 private:
  void load_on_gpu(const VideoSize& video);

  const LatentDecoder& decoder_;
  Runtime& runtime_;
  const memory::Manifest manifest_;
  // On the CPU.
  std::optional<prepare::HostPreparer> host_preparer_;
  std::optional<memory::WeightStore> store_;
  // On a GPU.
  std::optional<prepare::DevicePreparer> device_preparer_;
  std::optional<PlannedMemory> memory_;
  std::optional<memory::BlockStreamer> streamer_;
};

}  // namespace reel::pipeline
