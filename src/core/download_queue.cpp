// SPDX-License-Identifier: Apache-2.0
#include "core/download_queue.h"

#include <utility>

#include "base/error.h"

namespace reel {

DownloadQueue::~DownloadQueue() {
  if (under_way_ == nullptr) return;
  try {
    copies_->wait_on_host(under_way_->arrived);
  } catch (const Error&) {
    // The device is lost, so nothing writes any more.
  }
}

void DownloadQueue::add(const TensorView& tensor) {
  const auto size_bytes = static_cast<size_t>(tensor.size_bytes());
  if (memory_.is_host()) return sink_(tensor);
  if (copies_ == nullptr) {
    if (waited_for_.empty()) waited_for_ = Tensor(tensor.dtype, tensor.shape);
    memory_.download(waited_for_.view().data, tensor.data, size_bytes, stream_);
    return sink_(waited_for_);
  }
  std::optional<Slot>& slot = slots_[next_];
  if (!slot) slot.emplace(*copies_, size_bytes);
  next_ = 1 - next_;
  slot->tensor = {.data = slot->memory.data(), .dtype = tensor.dtype, .shape = tensor.shape};
  copies_->copy_to_host(slot->tensor.data, tensor.data, size_bytes, stream_);
  copies_->record(slot->arrived, stream_);
  Slot* const before = std::exchange(under_way_, &*slot);
  if (before == nullptr) return;
  copies_->wait_on_host(before->arrived);
  sink_(before->tensor);
}

void DownloadQueue::finish() {
  if (under_way_ == nullptr) return;
  copies_->wait_on_host(under_way_->arrived);
  sink_(std::exchange(under_way_, nullptr)->tensor);
}

}  // namespace reel
