// SPDX-License-Identifier: Apache-2.0
// Files: positioned reads, whole-file reads, and outputs that appear only when complete.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace reel {

enum class ReadMode {
  kBuffered,
  kDirect,  // past the page cache where the file system allows it, else buffered
};

// A file opened for reading. Move-only; closed on destruction. Reads take an absolute position,
// so one object may be read from several threads.
class InputFile {
 public:
  // What kDirect reads in, and how its buffers are aligned.
  static constexpr size_t kDirectBytes = 4096;

  // Throws kNotFound when there is no such file, kIo when it cannot be opened or is a folder.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  uint64_t size_bytes() const { return size_bytes_; }
  // When it was written last, as of its opening: nanoseconds since 1970.
  int64_t changed_ns() const { return changed_ns_; }

  // Fills `out` from `offset_bytes` on. Throws kBadFile when the file ends before, naming both
  // positions, and kIo when the system reports a read error.
  void read_at(uint64_t offset_bytes, std::span<std::byte> out) const;
  // Reads the same bytes to some place inside `buffer` and returns where they begin there. `buffer`
  // is aligned to kDirectBytes and has 2 * kDirectBytes more than `size_bytes`.
  size_t read_into(std::span<std::byte> buffer, uint64_t offset_bytes, size_t size_bytes,
                   ReadMode mode) const;
  // Throws kBadFile when the file is not as it was when it was opened.
  void require_unchanged() const;

 private:
  bool read_direct(std::span<std::byte> buffer, uint64_t offset_bytes, size_t size_bytes) const;
  int direct_descriptor() const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  mutable std::atomic<int> direct_descriptor_;  // opened when first used
  uint64_t size_bytes_ = 0;
  int64_t changed_ns_ = 0;
};

// The whole file as text. Throws kBadFile above `most_bytes`.
std::string read_text_file(const std::filesystem::path& path, uint64_t most_bytes);

// A file that is written under a temporary name beside its destination and renamed by commit().
// Without commit() nothing is left behind.
class OutputFile {
 public:
  // Throws kIo when the folder is missing or cannot be written.
  explicit OutputFile(const std::filesystem::path& destination);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Where the bytes go until commit(), for writers that open files themselves.
  const std::filesystem::path& temporary_path() const { return temporary_; }

  // Appends. Throws kIo, naming the destination, when the disk is full.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  // Writes at a position, leaving a hole before it where nothing was written.
  void write_at(uint64_t offset_bytes, std::span<const std::byte> bytes);
  // Sets the length; what was not written reads as zeros and takes no disk space.
  void resize(uint64_t size_bytes);
  uint64_t position_bytes() const { return position_bytes_; }

  // Flushes, checks for errors, and moves the file to its destination, replacing what is there.
  void commit();

 private:
  std::filesystem::path destination_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  uint64_t position_bytes_ = 0;
  bool committed_ = false;
};

}  // namespace reel
