// SPDX-License-Identifier: Apache-2.0
// What a device makes one after the other, on its way to the host while the device goes on.
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "core/buffer.h"
#include "core/copy_engine.h"
#include "core/memory_space.h"

namespace reel {

// Hands tensors on in the order they were added, each while the device computes the next: the host
// is one tensor behind. For one thread.
class DownloadQueue {
 public:
  // Takes a tensor in host memory, valid during the call.
  using Sink = std::function<void(const TensorView& tensor)>;

  // Without `copies` every tensor is waited for and handed on at once. `memory` and `copies` must
  // outlive this object.
  DownloadQueue(MemorySpace& memory, Stream stream, CopyEngine* copies, Sink sink)
      : memory_(memory), stream_(stream), copies_(copies), sink_(std::move(sink)) {}
  // Waits for what is under way, and drops it.
  ~DownloadQueue();
  DownloadQueue(const DownloadQueue&) = delete;
  DownloadQueue& operator=(const DownloadQueue&) = delete;

  // Starts the download of `tensor` behind the stream's work so far, and hands on the one before
  // it. All are of one size. In stream order, `tensor` is free again.
  void add(const TensorView& tensor);
  // Hands on the last one.
  void finish();

 private:
  struct Slot {
    Slot(CopyEngine& copies, size_t size_bytes)
        : memory(copies, size_bytes, "a frame on its way from the GPU"), arrived(copies) {}

    PinnedBuffer memory;
    OwnedEvent arrived;
    TensorView tensor;  // in `memory`
  };

  MemorySpace& memory_;
  const Stream stream_;
  CopyEngine* const copies_;
  const Sink sink_;
  Tensor waited_for_;                         // without copies_
  std::array<std::optional<Slot>, 2> slots_;  // used in turn
  size_t next_ = 0;
  Slot* under_way_ = nullptr;
};

}  // namespace reel
