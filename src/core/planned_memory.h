// SPDX-License-Identifier: Apache-2.0
// One region with a hard cap for every byte of a device.
#pragma once

#include <string>

#include "core/memory_layer.h"
#include "core/region_allocator.h"

namespace reel {

// Takes one region from the space below when it is made, and all that is asked for from that
// region: what exceeds it is an error, never more memory. Text encoder, DiT and VAE take turns in
// it. For one thread.
//
// free() hands bytes out again at once. Work still under way that uses them must be ordered before
// the next user's work: on the same stream, or by a wait.
class PlannedMemory : public MemoryLayer {
 public:
  // `what` names the region in messages: "the GPU memory that was planned". `below` must outlive
  // this object. Throws kOutOfMemory when it does not have the region.
  PlannedMemory(MemorySpace& below, size_t size_bytes, const char* what);
  ~PlannedMemory() override;
  PlannedMemory(const PlannedMemory&) = delete;
  PlannedMemory& operator=(const PlannedMemory&) = delete;

  // RegionAllocator::kAlignment bytes aligned.
  std::byte* allocate(size_t size_bytes, const char* tag) override;
  void free(std::byte* data) override;

  // What is in use and what was at most, by tag.
  const RegionAllocator& region() const { return region_; }
  RegionAllocator& region() { return region_; }

 private:
  RegionAllocator region_;
  std::byte* memory_;  // as `below` gave it
  std::byte* begin_;   // of the region, aligned
};

}  // namespace reel
