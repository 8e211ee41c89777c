// SPDX-License-Identifier: Apache-2.0
#include "formats/slab_plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "formats/little_endian.h"
#include "formats/quoted.h"
#include "formats/safetensors_dtype.h"
#include "formats/slab.h"
#include "formats/tensor_file.h"

namespace reel::formats {
namespace {

constexpr uint64_t kHeaderLengthBytes = 8;

uint64_t bytes_of(const TensorSpec& spec) {
  const auto size_bytes = checked_storage_bytes(spec.dtype, spec.shape.extents());
  REEL_REQUIRE(size_bytes.has_value(), kInvalidArgument,
               str_cat("The tensor ", quoted_name(spec.name), " cannot be ", spec.dtype, ' ',
                       spec.shape, '.'));
  return *size_bytes;
}

// Block formats count as bytes: their blocks are of odd sizes.
int64_t width_of(const TensorSpec& spec) {
  return is_block_format(spec.dtype) ? 1 : block_bytes(spec.dtype);
}

}  // namespace

SlabPlan::SlabPlan(const std::vector<SlabUnit>& units, std::map<std::string, std::string> metadata)
    : metadata_(std::move(metadata)) {
  for (const SlabUnit& unit : units) add_unit(unit);
  std::set<std::string_view> names;
  for (const Stored& stored : tensors_) {
    REEL_REQUIRE(names.insert(stored.spec.name).second, kInvalidArgument,
                 str_cat("The tensor ", quoted_name(stored.spec.name), " is declared twice."));
  }
  const std::vector<std::string> no_digests(items_.size(), std::string(32, '0'));
  header_bytes_ =
      align_up(kHeaderLengthBytes + json(no_digests, empty_slab_record()).size(), kAlignment);
  for (Place& item : items_) {
    item.tensor.offset_bytes += header_bytes_;
    item.scale.offset_bytes += header_bytes_;
  }
  for (Range& unit : units_) unit.offset_bytes += header_bytes_;
  file_size_bytes_ = header_bytes_ + end_bytes_;
}

void SlabPlan::add_unit(const SlabUnit& unit) {
  if (unit.empty()) return;
  struct Part {
    const TensorSpec* spec;
    size_t item;
    bool is_scale;
  };
  std::vector<Part> parts;
  const size_t first = items_.size();
  for (const SlabItem& item : unit) {
    const size_t index = items_.size();
    items_.push_back({.name = item.tensor.name, .tensor = {}, .scale = {}});
    parts.push_back({&item.tensor, index, false});
    if (item.scale) parts.push_back({&*item.scale, index, true});
  }
  std::ranges::stable_sort(parts, {}, [](const Part& part) {
    return std::tuple(-width_of(*part.spec), !part.is_scale);
  });
  const uint64_t begin_bytes = end_bytes_;
  for (const Part& part : parts) {
    Place& item = items_[part.item];
    (part.is_scale ? item.scale : item.tensor) = add(*part.spec);
  }
  for (size_t index = first; index < items_.size(); ++index) {
    data_bytes_ += items_[index].size_bytes();
  }
  add_padding();
  units_.push_back({begin_bytes, end_bytes_ - begin_bytes});
}

SlabPlan::Range SlabPlan::add(const TensorSpec& spec) {
  const uint64_t size_bytes = bytes_of(spec);
  Stored stored{.spec = spec, .offset_bytes = end_bytes_, .size_bytes = size_bytes};
  if (safetensors_dtype_name(spec.dtype) == nullptr) {
    metadata_[str_cat(kSlabDType, spec.name)] = slab_dtype(spec.dtype, spec.shape);
    stored.spec.dtype = DType::kU8;
    stored.spec.shape = {static_cast<int64_t>(size_bytes)};
  }
  tensors_.push_back(std::move(stored));
  end_bytes_ += size_bytes;
  return {tensors_.back().offset_bytes, size_bytes};
}

// A tensor of its own: safetensors knows no gaps.
void SlabPlan::add_padding() {
  const uint64_t padding = align_up(end_bytes_, kAlignment) - end_bytes_;
  if (padding == 0) return;
  add({.name = str_cat("reel.padding.", paddings_++),
       .dtype = DType::kU8,
       .shape = {static_cast<int64_t>(padding)}});
}

std::string SlabPlan::json(const std::vector<std::string>& digests,
                           const std::string& record) const {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  auto& metadata = root["__metadata__"];
  metadata[std::string(kSlabRecord)] = record;
  for (const auto& [key, value] : metadata_) metadata[key] = value;
  for (size_t item = 0; item < items_.size(); ++item) {
    metadata[str_cat(kSlabDigest, items_[item].name)] = digests.at(item);
  }
  for (const Stored& stored : tensors_) {
    const auto extents = stored.spec.shape.extents();
    root[stored.spec.name] = {
        {"dtype", safetensors_dtype_name(stored.spec.dtype)},
        {"shape", std::vector(extents.begin(), extents.end())},
        {"data_offsets", {stored.offset_bytes, stored.offset_bytes + stored.size_bytes}}};
  }
  return root.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string SlabPlan::header(const std::vector<std::string>& digests) const {
  const auto padded = [this](std::string text) {
    text.resize(header_bytes_ - kHeaderLengthBytes, ' ');
    return text;
  };
  const std::string with_zeros = padded(json(digests, empty_slab_record()));
  return little_endian(uint64_t{with_zeros.size()}) +
         padded(json(digests, slab_record(with_zeros)));
}

std::string SlabPlan::digest() const {
  const std::vector<std::string> none(items_.size(), std::string(32, '0'));
  const std::string text = json(none, empty_slab_record());
  return digest_hex(std::as_bytes(std::span(text)));
}

}  // namespace reel::formats
