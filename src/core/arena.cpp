// SPDX-License-Identifier: Apache-2.0
#include "core/arena.h"

#include <algorithm>
#include <cstring>

namespace reel {
namespace {

constexpr size_t kSmallestChunk = size_t{1} << 20;

}  // namespace

void Arena::reserve(size_t size_bytes) {
  if (size_bytes == 0) return;
  chunks_.clear();
  chunks_.emplace_back(space_, size_bytes, name_);
  ++allocations_;
  at_ = {};
}

std::byte* Arena::take(size_t size_bytes) {
  const size_t rounded =
      (size_bytes + Buffer::kAlignment - 1) / Buffer::kAlignment * Buffer::kAlignment;
  while (at_.chunk < chunks_.size() && chunks_[at_.chunk].size_bytes() - at_.used_bytes < rounded) {
    ++at_.chunk;
    at_.used_bytes = 0;
  }
  if (at_.chunk == chunks_.size()) {
    chunks_.emplace_back(space_, std::max(rounded, kSmallestChunk), name_);
    ++allocations_;
  }
  std::byte* const data = chunks_[at_.chunk].data() + at_.used_bytes;
  at_.used_bytes += rounded;
  at_.total_bytes += rounded;
  peak_bytes_ = std::max(peak_bytes_, at_.total_bytes);
  return data;
}

void Arena::release(const Mark& mark) {
#ifndef NDEBUG
  const size_t touched = space_.is_host() ? std::min(at_.chunk + 1, chunks_.size()) : 0;
  for (size_t chunk = mark.chunk; chunk < touched; ++chunk) {
    const size_t from = chunk == mark.chunk ? mark.used_bytes : 0;
    const size_t to = chunk == at_.chunk ? at_.used_bytes : chunks_[chunk].size_bytes();
    if (to > from) std::memset(chunks_[chunk].data() + from, 0xff, to - from);
  }
#endif
  at_ = mark;
  // Several chunks are joined while empty: the next run of the same work fits in one.
  if (at_.total_bytes == 0 && chunks_.size() > 1) {
    chunks_.clear();
    chunks_.emplace_back(space_, peak_bytes_, name_);
    ++allocations_;
    at_ = {};
  }
}

}  // namespace reel
