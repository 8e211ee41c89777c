// SPDX-License-Identifier: Apache-2.0
// The common answer of every weight format: which tensors a file holds, and their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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
  TensorFile(FileFormat format, InputFile file) : format_(format), file_(std::move(file)) {}
  // Sorts the entries and checks what the class comment promises; readers call it last.
  void finish();

  InputFile file_;
  std::vector<TensorEntry> entries_;
  std::map<std::string, std::string> metadata_;

 private:
  FileFormat format_;
};

// Opens a file by its first bytes, not by its name: safetensors, .pth (zip) or GGUF.
//
// Throws kNotFound; kBadFile with one sentence naming what was found (a Git LFS pointer, an HTML
// page, an unfinished download, an old-style pickle, a truncated or damaged header) and what to
// do; kIo.
std::unique_ptr<TensorFile> open_tensor_file(const std::filesystem::path& path);

}  // namespace reel::formats
