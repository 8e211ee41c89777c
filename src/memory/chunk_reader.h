// SPDX-License-Identifier: Apache-2.0
// Chunks from disk to host memory.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/file.h"
#include "memory/chunk_plan.h"

namespace reel::memory {

// As InputFile::read_into: the bytes, somewhere in the buffer; returns where.
using ReadBytes = std::function<size_t(const InputFile& file, std::span<std::byte> buffer,
                                       uint64_t offset_bytes, size_t size_bytes)>;

// May be used by several threads at once.
class ChunkReader {
 public:
  // What a buffer must have beyond the chunk.
  static constexpr size_t kSlackBytes = 2 * InputFile::kDirectBytes;

  // `read` instead of InputFile::read_into, for tests that want trouble; else empty.
  ChunkReader(ReadMode mode, ReadBytes read);

  // Returns where in `buffer` the chunk begins. Throws kBadFile when the file has changed or ends
  // early, kIo on a read error.
  size_t read(const Chunk& chunk, std::span<std::byte> buffer);

 private:
  void read_strided(const Chunk& chunk, std::span<std::byte> buffer);

  ReadBytes read_;
  // The strided tensor that was read last, in row-major order: chunks are cut from it.
  std::mutex mutex_;
  const formats::TensorEntry* dense_entry_ = nullptr;
  std::vector<std::byte> dense_;
};

}  // namespace reel::memory
