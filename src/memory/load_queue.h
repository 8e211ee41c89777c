// SPDX-License-Identifier: Apache-2.0
// Which blocks are on their way to the device, and which is next.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <vector>

#include "memory/slot_plan.h"

namespace reel::memory {

// One block on its way to a slot, or there.
struct Load {
  static constexpr int kNoSlot = -1;

  explicit Load(size_t block) : unit(block) {}

  const size_t unit;
  int slot = kNoSlot;         // of the window, from its first chunk on
  bool is_discarded = false;  // nobody wants it any more
  bool is_issued = false;     // its last copy and kernel are submitted, or it has failed
  bool has_failed = false;
  std::exception_ptr error;             // until somebody rethrows it
  std::unique_ptr<BlockDigest> digest;  // null when the block has been read before
  size_t chunks_digested = 0;

  bool is_dead() const { return is_discarded || has_failed; }
  void fail_with(std::exception_ptr reason);
};
using LoadPtr = std::shared_ptr<Load>;  // the queues and whoever works on it share a load

// Units are blocks, and after them what belongs to no block and always stays. Blocks that stay are
// loaded once; the others in their order, again and again, as many ahead as there are slots.
//
// Holds no lock: its user does.
class LoadQueue {
 public:
  // `stays` of every unit; the first `blocks` of them come round.
  LoadQueue(std::vector<bool> stays, size_t blocks, size_t slots);

  // At the end of the line.
  LoadPtr add(size_t unit);
  // The next load whose reading may begin, starting the next block in the usual order when there is
  // room for it; null when there is none.
  LoadPtr take_unread();
  void set_last_pass() { is_last_pass_ = true; }

  // The load of a unit that stays, started out of turn when nobody did.
  LoadPtr resident(size_t unit);
  // The next call of resident() loads it again.
  void forget_resident(size_t unit) { resident_[unit] = nullptr; }
  // Out of turn: blocks that wait for a slot would be in the way for ever. They come later.
  void make_way();

  // The load of a block that passes through; the block after it is next in line.
  LoadPtr passing(size_t unit);
  // It has arrived, or failed: it is no longer on its way.
  void take_passing() { coming_.pop_front(); }
  void discard(Load& load);

  bool has_slot() const { return !free_slots_.empty(); }
  void take_slot(Load& load);
  void give_back_slot(int slot) { free_slots_.push_back(slot); }

  // How often a block was asked for that was not the next.
  int restarts() const { return restarts_; }

 private:
  bool add_next();
  size_t next_passing() const;

  const std::vector<bool> stays_;
  const size_t blocks_;
  const size_t slots_;
  std::vector<LoadPtr> resident_;
  std::deque<LoadPtr> coming_;  // blocks for the window that nobody has acquired yet, in order
  std::deque<LoadPtr> unread_;
  size_t next_ = 0;  // the block to start after those
  std::deque<int> free_slots_;
  bool is_last_pass_ = false;
  int restarts_ = 0;
};

}  // namespace reel::memory
