// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pacer.h"

namespace reel::pipeline {

Pacer::Pacer(CopyEngine& engine, Stream stream, int64_t chunk_flops)
    : engine_(engine),
      stream_(stream),
      chunk_flops_(chunk_flops),
      marks_{OwnedEvent(engine), OwnedEvent(engine)} {}

void Pacer::end(int64_t, const ops::OpRecord& op, Stream stream) {
  if (stream.handle != stream_.handle) return;
  flops_ += op.flops;
  if (flops_ < chunk_flops_) return;
  flops_ = 0;
  engine_.record(marks_[chunks_ % 2], stream_);
  // An event counts as passed until its first record.
  engine_.wait_on_host(marks_[(chunks_ + 1) % 2]);
  ++chunks_;
}

}  // namespace reel::pipeline
