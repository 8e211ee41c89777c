// SPDX-License-Identifier: Apache-2.0
#include "pipeline/loaded_weights.h"

#include <numeric>
#include <utility>

namespace reel::pipeline {

LoadedWeights::LoadedWeights(const checkpoint::Component& component, memory::Manifest manifest,
                             Runtime& runtime, memory::Phase phase,
                             const prepare::Precision& precision, uint64_t host_budget_bytes)
    : runtime_(runtime), phase_(phase) {
  if (!runtime.on_gpu()) {
    host_preparer_.emplace(component, runtime.kernels(), precision, runtime.stop(),
                           runtime.memory());
    store_.emplace(std::move(manifest), *host_preparer_, host_budget_bytes);
    let_trace_watch();
    return;
  }
  runtime.begin_setup(phase);
  device_preparer_.emplace(component, runtime.kernels(), precision);
  streamer_.emplace(manifest, *device_preparer_, runtime.memory(), runtime.copies(), runtime.stop(),
                    runtime.streamer_options(phase, static_cast<int>(manifest.blocks.size())));
  let_trace_watch();
}

LoadedWeights::~LoadedWeights() {
  memory::StreamerStats stats;
  if (streamer_) stats = streamer_->stats();
  stats.bytes_read += host_preparer_ ? host_preparer_->bytes_read() : 0;
  stats.bytes_read += device_preparer_ ? device_preparer_->table_bytes_read() : 0;
  runtime_.count(stats);
}

memory::BlockSource& LoadedWeights::source() {
  if (traced_) return *traced_;
  if (streamer_) return *streamer_;
  return *store_;
}

void LoadedWeights::let_trace_watch() {
  if (OpTrace* const trace = runtime_.trace()) traced_.emplace(source(), *trace);
}

std::string LoadedWeights::digest() const {
  return device_preparer_ ? device_preparer_->digest() : host_preparer_->digest();
}

void LoadedWeights::begin_passes() {
  if (!streamer_) return;
  // The first block's arrival ends the setup; it is handed out again at its turn.
  if (streamer_->blocks() > 0) streamer_->acquire(0, runtime_.stream());
  runtime_.begin_passes(phase_);
}

void LoadedWeights::set_last_pass() {
  if (streamer_) streamer_->set_last_pass();
}

}  // namespace reel::pipeline
