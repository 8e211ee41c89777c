// SPDX-License-Identifier: Apache-2.0
// What a pass keeps in its arena, from when to when, and where it lies: the pass written down
// instead of run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"

namespace reel::memory {

// The last byte of one tensor and the first of the next are in different units of this size.
constexpr uint64_t kArenaAlignment = 64;
constexpr uint64_t aligned(uint64_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

// A tensor that is needed from moment `first_use` to moment `last_use`, both included.
struct Activation {
  std::string tag;
  uint64_t bytes = 0;
  int first_use = 0, last_use = 0;
};

// Scopes that open, take and close in the order in which a pass opens, takes and closes
// ops::Scratch. Repetitions (blocks, chunks of rows) are written once, at their largest.
class ActivationLog {
 public:
  class Scope {
   public:
    explicit Scope(ActivationLog& log) : log_(log), begin_(log.open_.size()) {}
    ~Scope() { log_.close(begin_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    void take(const char* tag, DType dtype, const Shape& shape) {
      log_.take(tag, static_cast<uint64_t>(storage_bytes(dtype, shape.elements())));
    }

   private:
    ActivationLog& log_;
    size_t begin_;
  };

  // In the order they were taken. All scopes are closed.
  const std::vector<Activation>& activations() const { return all_; }

 private:
  void take(const char* tag, uint64_t bytes);
  void close(size_t begin);

  int moment_ = 0;
  std::vector<Activation> all_;
  std::vector<size_t> open_;  // indices into all_
};

struct ArenaLayout {
  std::vector<uint64_t> offsets;  // of each activation
  uint64_t bytes = 0;             // of the arena
};

// Each activation directly above those that are live when it is taken: what Arena does.
// `activations` are in the order of their first use.
ArenaLayout stack_layout(std::span<const Activation> activations);

}  // namespace reel::memory
