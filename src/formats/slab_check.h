// SPDX-License-Identifier: Apache-2.0
// Whether a slab on the disk still holds what its digests are of.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "formats/slab_plan.h"
#include "formats/tensor_file.h"

namespace reel::formats {

// Every tensor that has a digest, with its scale, in the order of the file. Throws kBadFile as
// slab_digest.
std::vector<SlabPlan::Place> slab_items(const TensorFile& slab);

// Reads past the page cache where that can be: what counts is on the disk.
class SlabItemReader {
 public:
  // Both must outlive this object.
  SlabItemReader(const InputFile& file, const StopFlag& stop);

  // TreeDigest of an item's bytes. Throws kBadFile where the file ends early, kIo, kCancelled.
  std::string digest(const SlabPlan::Place& item);

 private:
  const InputFile& file_;
  const StopFlag& stop_;
  std::vector<std::byte> memory_;
  std::span<std::byte> buffer_;  // aligned for direct reads
};

}  // namespace reel::formats
