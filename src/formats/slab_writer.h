// SPDX-License-Identifier: Apache-2.0
// A slab while it is made: under another name until it is complete, with a journal of what is
// there, so that the next attempt goes on where one was stopped or killed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "formats/slab_plan.h"

namespace reel::formats {

class SlabWriter {
 public:
  // Goes on with what an earlier attempt at the same plan left beside the destination; what was
  // left of another plan is begun anew. `plan` must outlive this object.
  //
  // Throws kIo when the disk lacks space (looked at first) or the file cannot be written, kBusy
  // when another program writes it.
  SlabWriter(std::filesystem::path destination, const SlabPlan& plan);
  // Keeps what is there; removes a file of which nothing is.
  ~SlabWriter();
  SlabWriter(const SlabWriter&) = delete;
  SlabWriter& operator=(const SlabWriter&) = delete;

  const std::filesystem::path& partial_path() const { return partial_; }
  // Whether all bytes of an item were written, by this attempt or before.
  bool has(size_t item) const { return !digests_[item].empty(); }
  const std::string& digest(size_t item) const { return digests_[item]; }

  // Bytes of an item from `offset_bytes` on: those of its tensor, its scale's behind them.
  void write(size_t item, uint64_t offset_bytes, std::span<const std::byte> bytes);
  // All of its bytes are written; `digest` is theirs.
  void finish(size_t item, std::string digest);
  // Writes down that it has to be written again.
  void forget(size_t item);
  // Everything so far is on the disk, and the journal says so.
  void save();

  // All items are there: writes the header and moves the file to its destination. Throws
  // kInternal when one is missing, kIo.
  void commit();

 private:
  void open();
  void read_journal();
  void require_space() const;
  void reserve() const;
  void write_at(uint64_t offset_bytes, std::span<const std::byte> bytes) const;
  [[noreturn]] void fail_write(int error) const;

  const std::filesystem::path destination_, partial_, journal_;
  const SlabPlan& plan_;
  int descriptor_ = -1;
  std::vector<std::string> digests_;  // of the items that are there
  uint64_t unsaved_bytes_ = 0;
  bool is_saved_ = true;
  bool is_committed_ = false;
};

}  // namespace reel::formats
