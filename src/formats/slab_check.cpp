// SPDX-License-Identifier: Apache-2.0
#include "formats/slab_check.h"

#include <algorithm>

#include "base/tree_digest.h"
#include "formats/slab.h"

namespace reel::formats {
namespace {

constexpr size_t kAtOnce = size_t{4} << 20;
constexpr size_t kSlack = 2 * InputFile::kDirectBytes;

}  // namespace

std::vector<SlabPlan::Place> slab_items(const TensorFile& slab) {
  std::vector<SlabPlan::Place> items;
  for (const TensorEntry& entry : slab.entries()) {
    if (!slab.metadata().contains(std::string(kSlabDigest) + entry.name)) continue;
    slab_digest(slab, entry.name);
    const TensorEntry* scale = slab.find(slab_scale_name(entry.name));
    items.push_back({.name = entry.name,
                     .tensor = {entry.offset_bytes, entry.size_bytes},
                     .scale = scale == nullptr
                                  ? SlabPlan::Range{}
                                  : SlabPlan::Range{scale->offset_bytes, scale->size_bytes}});
  }
  std::ranges::sort(items, {}, [](const auto& item) { return item.tensor.offset_bytes; });
  return items;
}

SlabItemReader::SlabItemReader(const InputFile& file, const StopFlag& stop)
    : file_(file), stop_(stop), memory_(kAtOnce + kSlack + InputFile::kDirectBytes) {
  void* at = memory_.data();
  size_t space = memory_.size();
  std::align(InputFile::kDirectBytes, kAtOnce + kSlack, at, space);
  buffer_ = {static_cast<std::byte*>(at), kAtOnce + kSlack};
}

std::string SlabItemReader::digest(const SlabPlan::Place& item) {
  TreeDigest digest(item.size_bytes());
  uint64_t done = 0;
  for (const SlabPlan::Range& range : {item.tensor, item.scale}) {
    for (uint64_t from = 0; from < range.size_bytes; from += kAtOnce) {
      stop_.check();
      const size_t size = std::min<uint64_t>(kAtOnce, range.size_bytes - from);
      const size_t begins =
          file_.read_into(buffer_, range.offset_bytes + from, size, ReadMode::kDirect);
      digest.add(done, buffer_.subspan(begins, size));
      done += size;
    }
  }
  return digest.hex();
}

}  // namespace reel::formats
