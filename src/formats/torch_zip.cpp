// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_zip.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"
#include "formats/quoted.h"
#include "formats/torch_pickle.h"
#include "formats/zip_listing.h"

namespace reel::formats {
namespace {

constexpr uint64_t kMostPickleBytes = 64'000'000;
constexpr const char* kPickleName = "/data.pkl";

// Strides of a row-major tensor, counted in elements. Axes of one element may have any stride.
bool is_row_major(const std::vector<int64_t>& extents, const std::vector<int64_t>& strides) {
  int64_t expected = 1;
  for (size_t axis = extents.size(); axis-- > 0;) {
    if (extents[axis] == 0) return true;
    if (extents[axis] != 1 && strides[axis] != expected) return false;
    expected *= extents[axis];
  }
  return true;
}

class TorchZipFile final : public TensorFile {
 public:
  explicit TorchZipFile(InputFile file)
      : TensorFile(FileFormat::kTorchZip, std::move(file)),
        who_(quoted(path())),
        archive_(list_zip(file_)) {
    find_root();
    refuse_big_endian();
    for (const PickledTensor& tensor : unpickle_tensors(read_entry("data.pkl"), who_)) {
      entries_.push_back(entry_of(tensor));
    }
    finish(Overlap::kAllowed);
  }

 private:
  void find_root() {
    for (const auto& [name, entry] : archive_) {
      const size_t slash = name.find('/');
      if (slash == std::string::npos || name.substr(slash) != kPickleName) continue;
      REEL_REQUIRE(root_.empty(), kBadFile, str_cat(who_, " is a zip archive with two data.pkl."),
                   "Unpack it.");
      root_ = name.substr(0, slash + 1);
    }
    REEL_REQUIRE(!root_.empty(), kBadFile,
                 str_cat(who_, " is a zip archive, but not one of PyTorch: it has no data.pkl."),
                 "If it holds the weights, unpack it.");
    REEL_REQUIRE(!archive_.contains(root_ + "constants.pkl"), kBadFile,
                 str_cat(who_, " is a TorchScript program, not a state dict."),
                 "Save its state dict: torch.save(model.state_dict(), \"weights.pth\").");
  }

  void refuse_big_endian() const {
    if (!archive_.contains(root_ + "byteorder")) return;
    const auto bytes = read_entry("byteorder");
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    REEL_REQUIRE(text == "little", kUnsupported,
                 str_cat(who_, " stores numbers in the byte order ", quoted_name(text),
                         "; \"little\" is needed."),
                 "Save it again on a little-endian machine.");
  }

  const ZipEntry& plain_entry(const std::string& name) const {
    const auto at = archive_.find(root_ + name);
    REEL_REQUIRE(at != archive_.end(), kBadFile,
                 str_cat(who_, " lacks its entry ", quoted_name(root_ + name), '.'),
                 "The file is damaged; download it again.");
    REEL_REQUIRE(at->second.is_plain, kBadFile,
                 str_cat(who_, " holds ", quoted_name(root_ + name), " compressed or encrypted; ",
                         "PyTorch stores its entries as they are."),
                 "Save it again with torch.save.");
    return at->second;
  }

  std::vector<std::byte> read_entry(const std::string& name) const {
    const ZipEntry& entry = plain_entry(name);
    REEL_REQUIRE(entry.size_bytes <= kMostPickleBytes, kBadFile,
                 str_cat(who_, " has the entry ", quoted_name(root_ + name), " of ",
                         with_commas(entry.size_bytes), " bytes; at most ",
                         with_commas(kMostPickleBytes), " are expected."));
    std::vector<std::byte> bytes(entry.size_bytes);
    file_.read_at(entry.offset_bytes, bytes);
    return bytes;
  }

  TensorEntry entry_of(const PickledTensor& tensor) const {
    const ZipEntry& storage = plain_entry("data/" + tensor.storage_key);
    require(storage.size_bytes == tensor.storage_bytes, tensor,
            str_cat("its storage has ", with_commas(storage.size_bytes), " bytes of ",
                    with_commas(tensor.storage_bytes)));
    const auto dense_bytes = checked_storage_bytes(tensor.dtype, tensor.extents);
    require(dense_bytes.has_value() && tensor.strides.size() == tensor.extents.size(), tensor,
            "its shape is impossible");
    const auto span_bytes = checked_span_bytes(tensor.dtype, tensor.extents, tensor.strides);
    uint64_t offset_bytes = 0;
    require(span_bytes.has_value() && tensor.offset_elements >= 0 &&
                !__builtin_mul_overflow(static_cast<uint64_t>(tensor.offset_elements),
                                        static_cast<uint64_t>(block_bytes(tensor.dtype)),
                                        &offset_bytes) &&
                *span_bytes <= storage.size_bytes &&
                offset_bytes <= storage.size_bytes - *span_bytes,
            tensor, "it reaches out of its storage");
    // Else a few bytes could stand for a tensor of any size.
    require(*dense_bytes <= storage.size_bytes, tensor, "it repeats its storage");

    TensorEntry entry{.name = tensor.name,
                      .dtype = tensor.dtype,
                      .shape = Shape(std::span(tensor.extents)),
                      .offset_bytes = storage.offset_bytes + offset_bytes,
                      .size_bytes = *span_bytes,
                      .strides = {}};
    if (!is_row_major(tensor.extents, tensor.strides)) entry.strides = tensor.strides;
    return entry;
  }

  void require(bool condition, const PickledTensor& tensor, const std::string& problem) const {
    REEL_REQUIRE(
        condition, kBadFile,
        str_cat(who_, " has a damaged tensor ", quoted_name(tensor.name), ": ", problem, '.'),
        "Download the file again.");
  }

  std::string who_;
  std::map<std::string, ZipEntry> archive_;
  std::string root_;  // "archive/"
};

}  // namespace

std::unique_ptr<TensorFile> open_torch_zip(InputFile file) {
  return std::make_unique<TorchZipFile>(std::move(file));
}

}  // namespace reel::formats
