// SPDX-License-Identifier: Apache-2.0
// Tables of which a run needs few rows (an embedding): they stay in their file.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/checkpoint.h"
#include "core/tensor.h"

namespace reel::prepare {

// Those of one block.
class StoredTables {
 public:
  // `bytes_read` counts what gather_rows() reads, and must outlive this object.
  StoredTables(std::string block, std::atomic<uint64_t>& bytes_read)
      : block_(std::move(block)), bytes_read_(bytes_read) {}

  void add(const std::string& name, const checkpoint::StoredTensor& stored) {
    tables_.emplace(name, &stored);
  }
  bool has(std::string_view name) const { return tables_.contains(name); }

  // out [ids, width] f32 in host memory: rows `ids` of the table, scales applied. Throws kNotFound
  // for a name that is no table, and as read_rows().
  void gather_rows(std::string_view name, std::span<const int32_t> ids,
                   const TensorView& out) const;

 private:
  std::string block_;
  std::atomic<uint64_t>& bytes_read_;
  std::map<std::string, const checkpoint::StoredTensor*, std::less<>> tables_;
};

}  // namespace reel::prepare
