// SPDX-License-Identifier: Apache-2.0
// The common way to write a weight file: declare every tensor, then append their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "core/dtype.h"
#include "core/shape.h"

namespace reel::formats {

// A tensor to be written.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
};

// Made by start_safetensors, start_torch_zip or start_gguf, which write the header. The file
// appears at its destination on commit(); without it nothing is left behind.
class TensorWriter {
 public:
  virtual ~TensorWriter() = default;

  // The next bytes of the tensors, in the order they were declared: little-endian, row-major. A
  // call may give a part of a tensor but must not reach into the next one.
  void append(std::span<const std::byte> bytes);
  // Fills what is left of the current tensor with zeros, which take no disk space.
  void append_zeros();
  // Throws kInvalidArgument when a tensor lacks bytes, kIo when the disk is full.
  void commit();

 protected:
  struct Place {
    uint64_t offset_bytes = 0;
    uint64_t size_bytes = 0;
  };

  // Throws kInvalidArgument when a name is used twice or a shape is impossible.
  TensorWriter(const std::filesystem::path& destination, std::vector<TensorSpec> tensors);

  // The constructors of writers set the places' offsets and the file's size.
  std::vector<TensorSpec> tensors_;
  std::vector<Place> places_;  // one per tensor
  uint64_t file_size_bytes_ = 0;
  OutputFile file_;

 private:
  // What a container with checksums needs to know; called in order.
  virtual void on_bytes(std::span<const std::byte>) {}
  virtual void on_zeros(uint64_t) {}
  virtual void on_tensor_done(size_t) {}
  virtual void on_commit() {}

  void pass_finished_tensors();
  uint64_t left_bytes() const { return places_[current_].size_bytes - written_bytes_; }

  size_t current_ = 0;
  uint64_t written_bytes_ = 0;  // of the current tensor
};

// The next multiple of `alignment`, which is a power of two.
constexpr uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace reel::formats
