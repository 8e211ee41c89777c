// SPDX-License-Identifier: Apache-2.0
#include "memory/load_queue.h"

#include <algorithm>
#include <utility>

namespace reel::memory {

void Load::fail_with(std::exception_ptr reason) {
  if (!reason || has_failed) return;
  has_failed = true;
  error = std::move(reason);
}

LoadQueue::LoadQueue(std::vector<bool> stays, size_t blocks, size_t slots)
    : stays_(std::move(stays)), blocks_(blocks), slots_(slots), resident_(stays_.size()) {
  for (size_t slot = 0; slot < slots; ++slot) free_slots_.push_back(static_cast<int>(slot));
}

LoadPtr LoadQueue::add(size_t unit) {
  auto load = std::make_shared<Load>(unit);
  if (stays_[unit]) {
    resident_[unit] = load;
  } else {
    coming_.push_back(load);
  }
  unread_.push_back(load);
  return load;
}

LoadPtr LoadQueue::take_unread() {
  if (unread_.empty() && !add_next()) return nullptr;
  LoadPtr load = std::move(unread_.front());
  unread_.pop_front();
  return load;
}

bool LoadQueue::add_next() {
  size_t at = next_;  // which moves on only with a load: until then the pass may become the last
  for (size_t step = 0; step <= blocks_; ++step) {
    if (at == blocks_) {
      if (is_last_pass_) return false;
      at = 0;
    }
    if (at == blocks_) return false;  // there are none at all
    if (stays_[at] && resident_[at] != nullptr) {
      ++at;
      continue;
    }
    // One more than the slots may be in the ring.
    if (!stays_[at] && coming_.size() > slots_) return false;
    add(at);
    next_ = at + 1;
    return true;
  }
  return false;
}

LoadPtr LoadQueue::resident(size_t unit) {
  if (resident_[unit] == nullptr) {
    make_way();
    if (unit == next_) ++next_;
    add(unit);
  }
  return resident_[unit];
}

void LoadQueue::make_way() {
  if (coming_.empty()) return;
  ++restarts_;
  next_ = coming_.front()->unit;
  for (const LoadPtr& load : coming_) discard(*load);
  coming_.clear();
}

LoadPtr LoadQueue::passing(size_t unit) {
  const auto is_it = [&](const LoadPtr& load) { return load->unit == unit; };
  const bool is_coming = std::ranges::any_of(coming_, is_it);
  if (!is_coming && !(coming_.empty() && next_passing() == unit)) ++restarts_;
  while (!coming_.empty() && (!is_coming || coming_.front()->unit != unit)) {
    discard(*coming_.front());
    coming_.pop_front();
  }
  if (is_coming) return coming_.front();
  next_ = unit + 1;
  return add(unit);
}

size_t LoadQueue::next_passing() const {
  size_t at = next_;
  for (size_t step = 0; step < stays_.size(); ++step) {
    if (at >= blocks_) at = 0;
    if (!stays_[at]) break;
    ++at;
  }
  return at;
}

void LoadQueue::discard(Load& load) {
  load.is_discarded = true;
  if (load.slot != Load::kNoSlot) free_slots_.push_back(load.slot);
}

void LoadQueue::take_slot(Load& load) {
  load.slot = free_slots_.front();
  free_slots_.pop_front();
}

}  // namespace reel::memory
