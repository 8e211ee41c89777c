// SPDX-License-Identifier: Apache-2.0
// How the ranks of one computation exchange memory. Threads of a process, MPI and NCCL implement
// it.
#pragma once

#include <cstddef>
#include <vector>

#include "core/memory_space.h"

namespace reel::comm {

struct Piece {
  void* data = nullptr;
  size_t size_bytes = 0;
};

// One rank's end. Every rank makes the same calls in the same order.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Piece r of `send` goes to rank r, piece r of `receive` comes from rank r: its piece for this
  // rank, of as many bytes. This rank's piece for itself is copied. No piece of `receive` overlaps
  // another piece; pieces of `send` may, and may be empty.
  //
  // In the order of `stream`, to which `memory` belongs: what was submitted before is sent, and
  // what is submitted after sees what was received and may overwrite what was sent.
  //
  // Throws kInternal when the sizes of two ranks disagree, kCancelled once a rank gave up.
  virtual void all_to_all(const std::vector<Piece>& send, const std::vector<Piece>& receive,
                          MemorySpace& memory, Stream stream) = 0;

  // Tells the others that this rank makes no further call: what they wait for ends with kCancelled.
  // May be called from any thread, and again.
  virtual void give_up() = 0;
};

}  // namespace reel::comm
