// SPDX-License-Identifier: Apache-2.0
// A machine that computes nothing and counts everything: true sizes cost neither time nor memory.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "comm/communicator.h"
#include "core/memory_space.h"
#include "memory/arena_layout.h"
#include "memory/device_weights.h"
#include "memory/weight_source.h"
#include "ops/kernels.h"

namespace reel::test {

// Hands out addresses that nothing stands behind.
class BlindMemory : public MemorySpace {
 public:
  std::byte* allocate(size_t size_bytes, const char*) override {
    const uint64_t bytes = memory::aligned(size_bytes);
    auto* const data = reinterpret_cast<std::byte*>(next_);
    next_ += bytes;
    sizes_[data] = bytes;
    live_bytes_ += bytes;
    peak_bytes_ = std::max(peak_bytes_, live_bytes_);
    return data;
  }
  void free(std::byte* data) override {
    live_bytes_ -= sizes_.at(data);
    sizes_.erase(data);
  }
  void upload(void*, const void*, size_t, Stream) override {}
  void download(void*, const void*, size_t, Stream) override {}
  void copy(void*, const void*, size_t, Stream) override {}
  void copy_rows(void*, size_t, const void*, size_t, size_t, size_t, Stream) override {}
  void zero(void*, size_t, Stream) override {}
  void wait(Stream) override {}
  bool is_host() const override { return false; }

  uint64_t live_bytes() const { return live_bytes_; }
  uint64_t peak_bytes() const { return peak_bytes_; }

 private:
  uintptr_t next_ = uintptr_t{1} << 44;
  std::map<std::byte*, uint64_t> sizes_;
  uint64_t live_bytes_ = 0, peak_bytes_ = 0;
};

// The first of some ranks; nobody stands behind the others.
class BlindRanks : public comm::Communicator {
 public:
  explicit BlindRanks(int size) : size_(size) {}
  int rank() const override { return 0; }
  int size() const override { return size_; }
  void all_to_all(const std::vector<comm::Piece>&, const std::vector<comm::Piece>&, MemorySpace&,
                  Stream) override {}
  void give_up() override {}

 private:
  int size_;
};

// Every kernel is there and does nothing.
const ops::Kernels& blind_kernels();

// Weights of the right shapes without numbers.
class BlindWeights : public memory::BlockSource {
 public:
  BlindWeights(const memory::Manifest& manifest, const memory::DevicePrecision& precision);

  int blocks() const override { return static_cast<int>(blocks_.size()); }
  const memory::WeightSource& fixed() override { return *fixed_; }
  const memory::WeightSource& setup() override { return *setup_; }
  const memory::WeightSource& acquire(int index, Stream) override {
    return *blocks_.at(static_cast<size_t>(index));
  }

 private:
  std::unique_ptr<memory::WeightSource> fixed_, setup_;
  std::vector<std::unique_ptr<memory::WeightSource>> blocks_;
};

}  // namespace reel::test
