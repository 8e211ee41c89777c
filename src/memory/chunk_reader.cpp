// SPDX-License-Identifier: Apache-2.0
#include "memory/chunk_reader.h"

#include <cstring>
#include <utility>

namespace reel::memory {

ChunkReader::ChunkReader(ReadMode mode, ReadBytes read) : read_(std::move(read)) {
  if (read_) return;
  read_ = [mode](const InputFile& file, std::span<std::byte> buffer, uint64_t offset_bytes,
                 size_t size_bytes) {
    return file.read_into(buffer, offset_bytes, size_bytes, mode);
  };
}

size_t ChunkReader::read(const Chunk& chunk, std::span<std::byte> buffer) {
  size_t begins = 0;
  if (chunk.strided != nullptr) {
    read_strided(chunk, buffer);
  } else {
    begins = read_(chunk.file->file(), buffer, chunk.offset_bytes, chunk.size_bytes);
  }
  chunk.file->file().require_unchanged();
  return begins;
}

void ChunkReader::read_strided(const Chunk& chunk, std::span<std::byte> buffer) {
  const std::lock_guard lock(mutex_);
  const formats::TensorEntry& entry = *chunk.strided;
  if (dense_entry_ != &entry) {
    dense_entry_ = nullptr;
    dense_.resize(static_cast<size_t>(storage_bytes(entry.dtype, entry.shape.elements())));
    chunk.file->read(entry, dense_);
    dense_entry_ = &entry;
  }
  std::memcpy(buffer.data(), dense_.data() + chunk.offset_bytes, chunk.size_bytes);
  if (chunk.offset_bytes + chunk.size_bytes < dense_.size()) return;
  dense_entry_ = nullptr;
  dense_ = {};
}

}  // namespace reel::memory
