// SPDX-License-Identifier: Apache-2.0
#include "prepare/host_preparer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "core/buffer.h"
#include "core/numerics/small_floats.h"
#include "prepare/dequantise.h"
#include "prepare/quantise.h"
#include "prepare/stored_tables.h"

namespace reel::prepare {
namespace {

using checkpoint::StoredTensor;
using memory::WeightBlock;
using memory::WeightItem;
using memory::WeightKind;

// The weights of one block, all in memory of their own.
class PreparedBlock : public memory::WeightSource {
 public:
  PreparedBlock(const checkpoint::Component& component, const std::string& name,
                std::atomic<uint64_t>& bytes_read)
      : tables_(name, bytes_read), component_(component), name_(name) {}

  bool has(std::string_view name) const override {
    return items_.contains(name) || tables_.has(name);
  }
  TensorView tensor(std::string_view name) const override { return item(name).tensor; }
  MatrixView matrix(std::string_view name, int part) const override {
    return item(name).matrices.at(static_cast<size_t>(part));
  }
  ConvView conv(std::string_view name, int part) const override {
    return item(name).convs.at(static_cast<size_t>(part));
  }
  void gather_rows(std::string_view name, std::span<const int32_t> ids,
                   const TensorView& out) const override {
    tables_.gather_rows(name, ids, out);
  }

  struct Item {
    TensorView tensor;
    std::vector<MatrixView> matrices;
    std::vector<ConvView> convs;
    std::vector<Buffer> memory;
  };
  std::map<std::string, Item, std::less<>> items_;
  StoredTables tables_;

 private:
  const Item& item(std::string_view name) const {
    const auto found = items_.find(name);
    REEL_REQUIRE(found != items_.end(), kNotFound,
                 str_cat(name_, " has no weight \"", name, "\" (", component_.path.string(), ')'));
    return found->second;
  }

  const checkpoint::Component& component_;
  std::string name_;
};

// Where weights are prepared.
struct Host {
  const ops::Kernels& kernels;
  MemorySpace& memory;
  const StopFlag& stop;
};

// What is checked or rounded between two looks at the stop flag.
constexpr int64_t kRoundedAtOnce = int64_t{4} << 20;
constexpr int64_t kProductsAtOnce = int64_t{64} << 20;

// Calls work(begin, end) for parts of [0, count), looking at the stop flag before each.
template <typename Work>
void in_parts(int64_t count, const StopFlag& stop, Work work) {
  for (int64_t begin = 0; begin < count; begin += kRoundedAtOnce) {
    stop.check();
    work(begin, std::min(count, begin + kRoundedAtOnce));
  }
}

// A host buffer of numbers, which stays untouched until it is filled: a matrix of the text encoder
// takes 160 MiB, and clearing that is heard as a late stop.
struct Floats {
  Buffer memory;
  std::span<float> values;
};

Floats read_all(const StoredTensor& tensor, MemorySpace& memory, TreeDigest* digest,
                const StopFlag& stop) {
  const Shape& shape = tensor.entry->shape;
  Floats all{.memory = Buffer(memory, static_cast<size_t>(shape.elements()) * sizeof(float),
                              "weights as f32"),
             .values = {}};
  all.values = {reinterpret_cast<float*>(all.memory.data()), static_cast<size_t>(shape.elements())};
  read_rows(tensor, 0, shape.axes() == 0 ? 1 : shape[0], all.values, digest, &stop);
  in_parts(shape.elements(), stop, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      REEL_REQUIRE(std::isfinite(all.values[static_cast<size_t>(at)]), kBadFile,
                   str_cat('"', tensor.file->path().string(), "\": \"", tensor.entry->name,
                           "\" holds numbers that are not finite."),
                   "The file is damaged: compare its checksum, or download it again.");
    }
  });
  return all;
}

// What LoRAs add, in their order. Returns how many bytes of theirs were read.
uint64_t add_deltas(const StoredTensor& stored, std::span<float> values, const Host& host) {
  uint64_t bytes = 0;
  const int64_t rows = stored.entry->shape.axes() == 0 ? 1 : stored.entry->shape[0];
  const int64_t width = static_cast<int64_t>(values.size()) / std::max<int64_t>(1, rows);
  const auto read = [&](const checkpoint::Delta& delta, const formats::TensorEntry& entry) {
    bytes += entry.size_bytes;
    // No digest: the files of LoRAs are summed up whole.
    return read_all({.file = delta.file, .entry = &entry}, host.memory, nullptr, host.stop);
  };
  for (const checkpoint::Delta& delta : stored.deltas) {
    const Floats up = read(delta, *delta.up);
    const Floats down = delta.down == nullptr ? Floats{} : read(delta, *delta.down);
    const int64_t up_width = delta.down == nullptr ? width : delta.rank;
    const int64_t products = width * std::max<int64_t>(1, delta.rank);  // of a row
    const int64_t at_once = std::max<int64_t>(1, kProductsAtOnce / std::max<int64_t>(1, products));
    for (int64_t row = 0; row < rows; row += at_once) {
      host.stop.check();
      host.kernels.add_delta({.x = values.data() + row * width,
                              .up = up.values.data() + row * up_width,
                              .up_dtype = DType::kF32,
                              .down = delta.down == nullptr ? nullptr : down.values.data(),
                              .down_dtype = DType::kF32,
                              .rank = delta.rank,
                              .rows = std::min(at_once, rows - row),
                              .width = width,
                              .factor = delta.factor},
                             {});
    }
  }
  return bytes;
}

// `count` numbers rounded to `dtype`, which has 16 bits.
Buffer rounded(const float* from, int64_t count, DType dtype, MemorySpace& memory,
               const StopFlag& stop) {
  Buffer narrow(memory, static_cast<size_t>(count) * sizeof(uint16_t), "weights to pack");
  auto* const to = reinterpret_cast<uint16_t*>(narrow.data());
  in_parts(count, stop, [&](int64_t first, int64_t last) {
    parallel_for(last - first, 1 << 16, [&](int64_t begin, int64_t end) {
      for (int64_t at = first + begin; at < first + end; ++at) {
        to[at] = dtype == DType::kF16 ? numerics::float_to_f16(from[at])
                                      : numerics::float_to_bf16(from[at]);
      }
    });
  });
  return narrow;
}

// Quantises the rows of `values`, some at a time; `keep_scales` as quantise_rows_e4m3 has it.
void quantise_all(DType dtype, std::span<float> values, int64_t rows, std::byte* to,
                  std::span<float> scales, bool keep_scales, const StopFlag& stop) {
  const auto width = static_cast<int64_t>(values.size()) / rows;
  const int64_t at_once = std::max<int64_t>(1, kRoundedAtOnce / std::max<int64_t>(1, width));
  for (int64_t row = 0; row < rows; row += at_once) {
    stop.check();
    const int64_t count = std::min(at_once, rows - row);
    const auto part = [&](auto span, int64_t row_elements) {
      return span.subspan(static_cast<size_t>(row * row_elements),
                          static_cast<size_t>(count * row_elements));
    };
    if (dtype == DType::kI8) {
      quantise_rows(part(values, width), count,
                    part(std::span(reinterpret_cast<int8_t*>(to), values.size()), width),
                    part(scales, 1));
    } else {
      quantise_rows_e4m3(part(values, width), count,
                         part(std::span(reinterpret_cast<uint8_t*>(to), values.size()), width),
                         part(scales, 1), keep_scales);
    }
  }
}

// One row part of a matrix, packed. `stored_scales` are those of e4m3 numbers that stay, or empty.
Buffer packed_part(const Host& host, DType dtype, int64_t out, int64_t in, std::span<float> values,
                   std::span<const float> stored_scales) {
  ops::PackMatrixArgs args{.from = values.data(),
                           .dtype = dtype,
                           .row_scale = nullptr,
                           .out = out,
                           .in = in,
                           .to = nullptr};
  Buffer narrow;
  std::vector<float> scales(stored_scales.begin(), stored_scales.end());
  if (dtype == DType::kBF16 || dtype == DType::kF16) {
    narrow = rounded(values.data(), out * in, dtype, host.memory, host.stop);
    args.from = narrow.data();
  } else if (has_row_scales(dtype)) {
    narrow = Buffer(host.memory, values.size(), "weights to pack");
    scales.resize(static_cast<size_t>(out));
    quantise_all(dtype, values, out, narrow.data(), scales, !stored_scales.empty(), host.stop);
    args.from = narrow.data();
    args.row_scale = scales.data();
  }
  host.stop.check();
  Buffer memory(host.memory, static_cast<size_t>(host.kernels.packed_matrix_bytes(dtype, out, in)),
                "weights");
  args.to = memory.data();
  host.kernels.pack_matrix(args, {});
  return memory;
}

void prepare_matrix(const WeightItem& item, const StoredTensor& stored, std::span<float> values,
                    DType dtype, const Host& host, PreparedBlock::Item& to) {
  const int64_t out = item.shape[0] / item.parts;
  const int64_t in = item.shape.elements() / item.shape[0];
  const auto part_size = static_cast<size_t>(out * in);
  const bool stays =
      dtype == DType::kF8E4M3 && stored.entry->dtype == dtype && stored.deltas.empty();
  const std::vector<float> scales =
      stays ? read_row_scales(stored, 0, item.shape[0]) : std::vector<float>{};
  for (int part = 0; part < item.parts; ++part) {
    const auto begin = static_cast<size_t>(part) * part_size;
    const std::span<const float> part_scales =
        stays ? std::span(scales).subspan(static_cast<size_t>(part * out), static_cast<size_t>(out))
              : std::span<const float>{};
    const Buffer& memory = to.memory.emplace_back(
        packed_part(host, dtype, out, in, values.subspan(begin, part_size), part_scales));
    to.matrices.push_back({.data = memory.data(), .dtype = dtype, .out = out, .in = in});
  }
}

void prepare_conv(const WeightItem& item, std::span<const float> values, DType dtype,
                  const Host& host, PreparedBlock::Item& to) {
  const ConvShape shape = conv_shape(item);
  const int64_t part_elements = item.shape.elements() / item.parts;
  for (int part = 0; part < item.parts; ++part) {
    const float* const from = values.data() + part * part_elements;
    Buffer& memory = to.memory.emplace_back(
        host.memory, static_cast<size_t>(host.kernels.packed_conv_bytes(dtype, shape)), "weights");
    host.kernels.pack_conv({.from = from,
                            .shape = shape,
                            .dtype = dtype,
                            .to = memory.data(),
                            .newest_first = item.frames > 1},
                           {});
    to.convs.push_back({.data = memory.data(), .dtype = dtype, .shape = shape});
  }
}

void prepare_tensor(const WeightItem& item, Floats read, PreparedBlock::Item& to) {
  const Buffer& memory = to.memory.emplace_back(std::move(read.memory));
  to.tensor = {.data = memory.data(), .dtype = DType::kF32, .shape = item.shape};
}

}  // namespace

uint64_t HostPreparer::prepared_bytes(const WeightBlock& block) const {
  int64_t bytes = 0;
  for (const WeightItem& item : block.items) {
    const int64_t out = item.shape.axes() == 0 ? 1 : item.shape[0] / item.parts;
    const int64_t in = item.shape.elements() / std::max<int64_t>(1, item.shape[0]);
    switch (item.kind) {
      case WeightKind::kTensor: bytes += 4 * item.shape.elements(); break;
      case WeightKind::kMatrix:
      case WeightKind::kMatrixWide:
      case WeightKind::kMatrixF32:
        bytes += item.parts * kernels_.packed_matrix_bytes(matrix_dtype(item, precision_), out, in);
        break;
      case WeightKind::kConv:
        bytes += item.parts * kernels_.packed_conv_bytes(precision_.compute, conv_shape(item));
        break;
      case WeightKind::kTable: break;
    }
  }
  return static_cast<uint64_t>(bytes);
}

std::unique_ptr<memory::WeightSource> HostPreparer::prepare(const WeightBlock& block) {
  auto prepared = std::make_unique<PreparedBlock>(component_, block.name, bytes_read_);
  const Host host{.kernels = kernels_, .memory = memory_, .stop = stop_};
  for (const WeightItem& item : block.items) {
    stop_.check();
    const StoredTensor& stored = stored_tensor(component_, item);
    if (item.kind == WeightKind::kTable) {
      prepared->tables_.add(item.name, stored);
      digests_.set_table(item.name, stored);
      continue;
    }
    TreeDigest digest(stored_bytes(stored));
    Floats read = read_all(stored, memory_, &digest, stop_);
    bytes_read_ += stored_bytes(stored);
    const std::span<float> values = read.values;
    bytes_read_ += add_deltas(stored, values, host);
    std::string bytes_digest = digest.hex();
    require_digest(stored, bytes_digest);
    digests_.set(item.name, std::move(bytes_digest));
    PreparedBlock::Item& to = prepared->items_[item.name];
    switch (item.kind) {
      case WeightKind::kMatrix:
      case WeightKind::kMatrixWide:
      case WeightKind::kMatrixF32:
        prepare_matrix(item, stored, values, matrix_dtype(item, precision_), host, to);
        break;
      case WeightKind::kConv: prepare_conv(item, values, precision_.compute, host, to); break;
      default: prepare_tensor(item, std::move(read), to); break;
    }
  }
  return prepared;
}

}  // namespace reel::prepare
