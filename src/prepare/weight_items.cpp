// SPDX-License-Identifier: Apache-2.0
#include "prepare/weight_items.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "formats/quoted.h"

namespace reel::prepare {
namespace {

using checkpoint::RowKind;
using memory::WeightBlock;
using memory::WeightItem;
using memory::WeightKind;

WeightKind kind_of(const checkpoint::NeededTensor& needed) {
  if (needed.is_bias) return WeightKind::kTensor;
  switch (needed.row->kind) {
    case RowKind::kTensor: return WeightKind::kTensor;
    case RowKind::kLinear:
    case RowKind::kMatrix: return WeightKind::kMatrix;
    case RowKind::kLinearWide: return WeightKind::kMatrixWide;
    case RowKind::kLinearF32: return WeightKind::kMatrixF32;
    case RowKind::kConv:
    case RowKind::kConvBare: return WeightKind::kConv;
    case RowKind::kTable: return WeightKind::kTable;
  }
  return WeightKind::kTensor;
}

}  // namespace

memory::Manifest make_manifest(const std::vector<checkpoint::NeededTensor>& needed) {
  memory::Manifest manifest{.fixed = {.name = "the fixed weights", .items = {}},
                            .setup = {.name = "the weights of the first step", .items = {}},
                            .blocks = {}};
  const auto block_of = [&](int index) -> WeightBlock& {
    if (index == checkpoint::kFixedUnit) return manifest.fixed;
    if (index == checkpoint::kSetupUnit) return manifest.setup;
    if (static_cast<size_t>(index) >= manifest.blocks.size()) {
      manifest.blocks.push_back({.name = str_cat("block ", index), .items = {}});
    }
    return manifest.blocks[static_cast<size_t>(index)];
  };
  for (const checkpoint::NeededTensor& tensor : needed) {
    block_of(tensor.block)
        .items.push_back({.name = tensor.name,
                          .kind = kind_of(tensor),
                          .parts = tensor.is_bias ? 1 : tensor.row->parts,
                          .shape = tensor.shape,
                          .frames = tensor.is_bias ? 1 : tensor.row->frames});
  }
  return manifest;
}

DType matrix_dtype(const WeightItem& item, const Precision& precision) {
  if (item.kind == WeightKind::kMatrixF32) return DType::kF32;
  const int64_t width = item.shape.elements() / std::max<int64_t>(1, item.shape[0]);
  const bool has_8_bits = has_row_scales(precision.matrices);
  const bool may_have =
      item.kind == WeightKind::kMatrix && width % scaled_row_step(precision.matrices) == 0;
  return has_8_bits && !may_have ? precision.compute : precision.matrices;
}

ConvShape conv_shape(const WeightItem& item) {
  const Shape& s = item.shape;
  const bool has_time = s.axes() == 5;
  const int space = has_time ? 3 : 2;
  return {.in_channels = s[1] / item.frames,
          .out_channels = s[0] / item.parts,
          .taps = has_time ? s[2] : item.frames,
          .kernel_rows = s[space],
          .kernel_cols = s[space + 1]};
}

const checkpoint::StoredTensor& stored_tensor(const checkpoint::Component& component,
                                              const WeightItem& item) {
  const checkpoint::StoredTensor* stored = component.find(item.name);
  REEL_REQUIRE(stored != nullptr, kNotFound,
               str_cat(component.path.string(), " has no tensor \"", item.name, "\"."));
  return *stored;
}

void require_digest(const checkpoint::StoredTensor& stored, const std::string& digest) {
  REEL_REQUIRE(stored.digest.empty() || stored.digest == digest, kBadFile,
               str_cat(formats::quoted(stored.file->path()), " is damaged: the bytes of ",
                       formats::quoted_name(stored.entry->name), " are not those of its checksum."),
               "Remove it, and make it again with reel convert.");
}

void TensorDigests::set(const std::string& name, std::string digest) {
  const std::lock_guard lock(mutex_);
  digests_[name] = std::move(digest);
}

void TensorDigests::set_table(const std::string& name, const checkpoint::StoredTensor& table) {
  set(name, str_cat(table.entry->dtype, table.entry->shape));
}

std::string TensorDigests::hex() const {
  const std::lock_guard lock(mutex_);
  Digest whole;
  for (const auto& [name, digest] : digests_) {
    whole.add(std::as_bytes(std::span(name)));
    whole.add(std::as_bytes(std::span(digest)));
  }
  return whole.hex();
}

}  // namespace reel::prepare
