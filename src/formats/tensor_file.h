// SPDX-License-Identifier: Apache-2.0
// The common answer of every weight format: which tensors a file holds, and their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "core/dtype.h"
#include "core/shape.h"

namespace reel::formats {

// One tensor of a file. `offset_bytes` counts from the start of the file; the bytes are
// little-endian, row-major, without gaps.
struct TensorEntry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
  // Only .pth files: strides in elements when the tensor is not row-major, else empty. A strided
  // entry's size_bytes is that of the span of storage it touches.
  std::vector<int64_t> strides;
};

enum class FileFormat { kSafetensors, kTorchZip, kGguf };
const char* file_format_name(FileFormat format);

// A parsed header over an open file. Immutable, so it may be read from several threads.
//
// Entries are sorted by name and unique; every one lies inside the file and agrees with its
// shape. `metadata` holds string pairs: safetensors' __metadata__, GGUF's key-values (numbers and
// booleans as decimal text; arrays are left out, see GgufFile), nothing for .pth.
class TensorFile {
 public:
  virtual ~TensorFile() = default;

  FileFormat format() const { return format_; }
  const std::filesystem::path& path() const { return file_.path(); }
  uint64_t file_size_bytes() const { return file_.size_bytes(); }
  // For reads at entries' offsets.
  const InputFile& file() const { return file_; }
  const std::vector<TensorEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  // Null when there is no such tensor.
  const TensorEntry* find(std::string_view name) const;

  // Reads `out.size()` bytes from `offset_bytes` within the entry's storage. Throws kBadFile when
  // the range leaves the entry or the file has shrunk, kIo on a read error.
  void read_range(const TensorEntry& entry, uint64_t offset_bytes, std::span<std::byte> out) const;

  // The whole tensor in row-major order, strides resolved; `out` has storage_bytes(dtype,
  // elements).
  void read(const TensorEntry& entry, std::span<std::byte> out) const;

 protected:
  // Whether two tensors may use the same bytes of the file, as the storages of .pth allow.
  enum class Overlap { kForbidden, kAllowed };

  TensorFile(FileFormat format, InputFile file) : format_(format), file_(std::move(file)) {}
  // Sorts the entries and checks what the class comment promises; readers call it last.
  void finish(Overlap overlap);

 private:
  FileFormat format_;

 protected:
  InputFile file_;
  std::vector<TensorEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

// Opens a file by its first bytes, not by its name: safetensors, .pth (zip) or GGUF.
//
// Throws kNotFound; kBadFile with one sentence naming what was found (a Git LFS pointer, an HTML
// page, an unfinished download, an old-style pickle, a truncated or damaged header) and what to
// do; kUnsupported for a known kind of number or file that is not read here; kIo.
std::unique_ptr<TensorFile> open_tensor_file(const std::filesystem::path& path);

// Bytes of a row-major tensor. Nothing when the extents are negative, more than Shape::kMostAxes,
// no whole number of blocks, or multiply beyond 63 bits (zeros aside, so that Shape can count the
// elements).
std::optional<uint64_t> checked_storage_bytes(DType dtype, std::span<const int64_t> extents);

// Bytes of storage from the first to the last element of a strided tensor; nothing when that, or
// the row-major size, is beyond 63 bits, or a stride is negative.
std::optional<uint64_t> checked_span_bytes(DType dtype, std::span<const int64_t> extents,
                                           std::span<const int64_t> strides);

}  // namespace reel::formats
