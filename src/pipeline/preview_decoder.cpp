// SPDX-License-Identifier: Apache-2.0
#include "pipeline/preview_decoder.h"

#include "memory/tags.h"

namespace reel::pipeline {
namespace {

// Where device memory is aligned more, or packed weights are padded more, than a plan counts.
constexpr uint64_t kSlackBytes = uint64_t{1} << 20;

// Weights of some MiB are read once.
constexpr uint64_t kRingBytes = uint64_t{16} << 20;
constexpr int kReaders = 1;

uint64_t past_bytes(const LatentDecoder::Footprint& takes) {
  uint64_t bytes = 0;
  for (const memory::TaggedBytes& held : takes.held) bytes += held.bytes;
  return bytes;
}

}  // namespace

uint64_t held_bytes(const memory::NetworkLoad& weights, const LatentDecoder::Footprint& takes) {
  return memory::aligned(weights.fixed.prepared_bytes) + weights.staging_bytes() +
         past_bytes(takes) + kSlackBytes;
}

PreviewDecoder::PreviewDecoder(const checkpoint::Component& component, const LatentDecoder& decoder,
                               const VideoSize& video, Runtime& runtime)
    : decoder_(decoder), runtime_(runtime), manifest_(prepare::make_manifest(decoder.needed())) {
  const prepare::Precision precision = runtime.vae_numbers().precision;
  if (runtime.on_gpu()) {
    device_preparer_.emplace(component, runtime.kernels(), precision);
    load_on_gpu(video);
    return;
  }
  host_preparer_.emplace(component, runtime.kernels(), precision, runtime.stop(), runtime.memory());
  store_.emplace(manifest_, *host_preparer_, 0);
}

PreviewDecoder::~PreviewDecoder() {
  if (streamer_) runtime_.count(streamer_->stats());
}

void PreviewDecoder::load_on_gpu(const VideoSize& video) {
  const auto plan = device_preparer_->plan(manifest_.fixed);
  const DType compute = runtime_.vae_numbers().precision.compute;
  const uint64_t bytes = plan->slot_bytes() + plan->staging_bytes() +
                         past_bytes(decoder_.footprint(video, compute, 1)) + kSlackBytes / 2;
  runtime_.end_phase();
  memory_.emplace(runtime_.memory(), bytes, memory::tags::kPreviewDecoder);
  memory::StreamerOptions options;
  options.ring_bytes = kRingBytes;
  options.reader_threads = kReaders;
  options.after = runtime_.stream();
  streamer_.emplace(manifest_, *device_preparer_, *memory_, runtime_.copies(), runtime_.stop(),
                    options);
  streamer_->fixed();
}

void PreviewDecoder::decode(const Tensor& latents,
                            const std::function<void(const TensorView&)>& on_frame) {
  const ops::Context of_runtime = runtime_.context(runtime_.vae_numbers());
  ops::Context ctx{.kernels = of_runtime.kernels,
                   .arena = of_runtime.arena,
                   .stop = of_runtime.stop,
                   .compute = of_runtime.compute,
                   .stream = of_runtime.stream,
                   .memory = memory_ ? static_cast<MemorySpace&>(*memory_) : of_runtime.memory};
  memory::BlockSource& weights =
      streamer_ ? static_cast<memory::BlockSource&>(*streamer_) : *store_;
  decoder_.decode(ctx, weights, latents, on_frame,
                  {.copies = runtime_.on_gpu() ? &runtime_.copies() : nullptr, .on_progress = {}});
}

}  // namespace reel::pipeline
