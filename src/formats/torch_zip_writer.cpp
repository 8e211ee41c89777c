// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_zip_writer.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "formats/little_endian.h"
#include "formats/quoted.h"
#include "formats/torch_globals.h"
#include "formats/zip_layout.h"

namespace reel::formats {
namespace {

uint32_t crc_of(std::span<const std::byte> bytes, uint32_t before = 0) {
  return static_cast<uint32_t>(
      crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

uint32_t crc_of_zeros(uint64_t count) {
  static constexpr std::byte kZeros[4096]{};
  if (count <= sizeof kZeros) return crc_of(std::span(kZeros).first(count));
  const uint64_t half = count / 2;
  const uint32_t crc = crc_of_zeros(half);
  const auto both = static_cast<uint32_t>(crc32_combine(crc, crc, static_cast<z_off_t>(half)));
  return count % 2 == 0 ? both : crc_of(std::span(kZeros).first(1), both);
}

// Builds the pickle of a dict of tensors: opcodes of protocol 2, nothing remembered.
class PickleText {
 public:
  void add(const std::string& name, const TensorSpec& tensor, int key) {
    text(name);
    const TorchGlobal* storage = torch_storage_of(tensor.dtype);
    global("torch._utils", storage != nullptr ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
    bytes_ += '(';
    add_storage(tensor, storage, key);
    integer(0);  // offset
    extents(tensor.shape);
    strides(tensor.shape);
    bytes_ += '\x89';  // requires_grad: False
    global("collections", "OrderedDict");
    bytes_ += ")R";  // no hooks
    if (storage == nullptr) {
      const TorchGlobal& dtype = *torch_dtype_of(tensor.dtype);
      global(dtype.module, dtype.name);
    }
    bytes_ += "tR";
  }

  std::string finish() && { return "\x80\x02}(" + bytes_ + "u."; }

 private:
  void text(std::string_view value) {
    bytes_ += 'X' + little_endian(static_cast<uint32_t>(value.size()));
    bytes_ += value;
  }
  void integer(int64_t value) {
    const bool is_short = value <= 0x7fffffff;
    bytes_ += is_short ? 'J' + little_endian(static_cast<int32_t>(value))
                       : "\x8a\x08" + little_endian(value);
  }
  void global(std::string_view module, std::string_view name) {
    bytes_ += str_cat('c', module, '\n', name, '\n');
  }
  // Float8 has no storage class of its own: PyTorch keeps it in untyped bytes.
  void add_storage(const TensorSpec& tensor, const TorchGlobal* storage, int key) {
    bytes_ += '(';
    text("storage");
    if (storage != nullptr) global(storage->module, storage->name);
    if (storage == nullptr) global("torch.storage", "UntypedStorage");
    text(std::to_string(key));
    text("cpu");
    integer(tensor.shape.elements() * (storage != nullptr ? 1 : block_bytes(tensor.dtype)));
    bytes_ += "tQ";
  }
  void extents(const Shape& shape) {
    bytes_ += '(';
    for (const int64_t extent : shape.extents()) integer(extent);
    bytes_ += 't';
  }
  void strides(const Shape& shape) {
    bytes_ += '(';
    for (int axis = 0; axis < shape.axes(); ++axis) {
      integer(Shape(shape.extents().subspan(static_cast<size_t>(axis) + 1)).elements());
    }
    bytes_ += 't';
  }

  std::string bytes_;
};

class TorchZipWriter final : public TensorWriter {
 public:
  TorchZipWriter(const std::filesystem::path& destination, std::vector<TensorSpec> tensors)
      : TensorWriter(destination, std::move(tensors)), texts_(text_entries()), layout_(records()) {
    for (size_t index = 0; index < texts_.size(); ++index) {
      ZipRecord& record = layout_.records()[index];
      record.crc = crc_of(std::as_bytes(std::span(texts_[index].second)));
      write_text(record.data_offset_bytes, texts_[index].second);
    }
    for (size_t index = 0; index < places_.size(); ++index) {
      places_[index].offset_bytes = layout_.records()[texts_.size() + index].data_offset_bytes;
    }
    file_size_bytes_ = layout_.end_of_data_bytes() + layout_.directory().size();
  }

 private:
  static constexpr const char* kRoot = "archive/";

  // Name and content of the entries in front of the storages.
  std::vector<std::pair<std::string, std::string>> text_entries() const {
    PickleText pickle;
    for (size_t index = 0; index < tensors_.size(); ++index) {
      REEL_REQUIRE(torch_dtype_of(tensors_[index].dtype) != nullptr, kInvalidArgument,
                   str_cat("The tensor ", quoted_name(tensors_[index].name), " is ",
                           tensors_[index].dtype, ", which a .pth file cannot hold."),
                   "Write a GGUF file.");
      pickle.add(tensors_[index].name, tensors_[index], static_cast<int>(index));
    }
    return {{"data.pkl", std::move(pickle).finish()},
            {".format_version", "1"},
            {".storage_alignment", "64"},
            {"byteorder", "little"},
            {"version", "3\n"}};
  }

  std::vector<ZipRecord> records() const {
    std::vector<ZipRecord> records;
    for (const auto& [name, content] : texts_) {
      records.push_back({.name = kRoot + name, .size_bytes = content.size()});
    }
    for (size_t index = 0; index < tensors_.size(); ++index) {
      records.push_back(
          {.name = str_cat(kRoot, "data/", index), .size_bytes = places_[index].size_bytes});
    }
    return records;
  }

  void write_text(uint64_t offset_bytes, const std::string& text) {
    file_.write_at(offset_bytes, std::as_bytes(std::span(text)));
  }

  void on_bytes(std::span<const std::byte> bytes) override { crc_ = crc_of(bytes, crc_); }
  void on_zeros(uint64_t count) override {
    crc_ = static_cast<uint32_t>(
        crc32_combine(crc_, crc_of_zeros(count), static_cast<z_off_t>(count)));
  }
  void on_tensor_done(size_t index) override {
    layout_.records()[texts_.size() + index].crc = std::exchange(crc_, 0);
  }
  void on_commit() override {
    for (const ZipRecord& record : layout_.records()) {
      write_text(record.header_offset_bytes, layout_.local_header(record));
    }
    write_text(layout_.end_of_data_bytes(), layout_.directory());
  }

  std::vector<std::pair<std::string, std::string>> texts_;
  ZipLayout layout_;
  uint32_t crc_ = 0;  // of the current tensor so far
};

}  // namespace

std::unique_ptr<TensorWriter> start_torch_zip(const std::filesystem::path& destination,
                                              std::vector<TensorSpec> tensors) {
  return std::make_unique<TorchZipWriter>(destination, std::move(tensors));
}

}  // namespace reel::formats
