// SPDX-License-Identifier: Apache-2.0
#include "prepare/device_preparer.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cstring>
#include <random>

#include "base/tree_digest.h"
#include "core/block_formats.h"
#include "core/buffer.h"
#include "core/numerics/small_floats.h"
#include "core/planned_memory.h"
#include "formats/gguf_writer.h"
#include "formats/safetensors_writer.h"
#include "memory/block_streamer.h"
#include "memory/device_weights.h"
#include "memory/weight_store.h"
#include "prepare/dequantise.h"
#include "prepare/host_preparer.h"
#include "support/expect_error.h"
#include "support/queued_kernels.h"
#include "support/same_weights.h"
#include "support/temp_folder.h"

namespace reel::prepare {
namespace {

using checkpoint::NameRow;
using checkpoint::RowKind;
using testing::IsEmpty;

// Widths are multiples of 256, so that every block format can store every matrix.
constexpr NameRow kFixedNames[] = {{0, 0, "patch", RowKind::kLinearF32, "[3, 256]"},
                                   {0, 1, "table", RowKind::kTable, "[5, 256]"}};
constexpr NameRow kSetupNames[] = {{0, 0, "text", RowKind::kLinearWide, "[4, 512]"}};
constexpr NameRow kBlockNames[] = {
    {0, 0, "norm.weight", RowKind::kTensor, "[256]"},
    {0, 1, "modulation", RowKind::kTensor, "[1, 6, 256]"},
    {0, 2, "qkv", RowKind::kMatrix, "[6, 256]", 3},
    {0, 3, "down", RowKind::kMatrix, "[5, 768]"},
    {0, 4, "conv", RowKind::kConv, "[4, 32, 3, 3]", 2},
    {0, 5, "up", RowKind::kLinear, "[6, 256]"},
};
constexpr int kBlocks = 4;

enum class Scales { kNone, kTensor, kRowF32, kRowBF16, kRowF16 };

struct Stored {
  const char* name;
  DType dtype;  // of all but norms and biases, which are f32, and of convolutions in GGUF, f16
  Scales scales = Scales::kNone;
};

DType scale_dtype(Scales scales) {
  return scales == Scales::kRowBF16  ? DType::kBF16
         : scales == Scales::kRowF16 ? DType::kF16
                                     : DType::kF32;
}

// Random numbers as a file stores them. Bytes of 8-bit floats are made from bounded numbers, so
// that none is a NaN.
std::vector<std::byte> random_bytes(DType dtype, int64_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  std::vector<std::byte> bytes(static_cast<size_t>(storage_bytes(dtype, count)));
  if (is_block_format(dtype)) {
    quantise_blocks(dtype, values.data(), count, bytes.data());
    return bytes;
  }
  for (size_t at = 0; at < values.size(); ++at) {
    const auto put = [&](auto number) {
      std::memcpy(bytes.data() + at * sizeof number, &number, sizeof number);
    };
    switch (dtype) {
      case DType::kF16: put(numerics::float_to_f16(values[at])); break;
      case DType::kBF16: put(numerics::float_to_bf16(values[at])); break;
      case DType::kF8E4M3: put(numerics::float_to_f8_e4m3(values[at])); break;
      case DType::kI8: put(static_cast<int8_t>(values[at] * 30)); break;
      default: put(values[at]); break;
    }
  }
  return bytes;
}

// A component of one file a block, stored in one way, and its manifest.
class MadeComponent {
 public:
  explicit MadeComponent(const Stored& stored, bool with_loras = false) : stored_(stored) {
    std::vector<checkpoint::NameUnit> units{
        {.prefix = "", .rows = kFixedNames, .block = checkpoint::kFixedUnit},
        {.prefix = "", .rows = kSetupNames, .block = checkpoint::kSetupUnit}};
    for (int block = 0; block < kBlocks; ++block) {
      units.push_back(
          {.prefix = "blocks." + std::to_string(block) + '.', .rows = kBlockNames, .block = block});
    }
    const auto needed = checkpoint::needed_tensors(units, {});
    manifest_ = make_manifest(needed);
    for (int block = checkpoint::kSetupUnit; block < kBlocks; ++block) write(needed, block);
    if (with_loras) add_loras(needed);
    component_.path = folder_.path();
  }

  const checkpoint::Component& component() const { return component_; }
  checkpoint::Component& component() { return component_; }
  const memory::Manifest& manifest() const { return manifest_; }

 private:
  void write(const std::vector<checkpoint::NeededTensor>& needed, int block) {
    std::vector<formats::TensorSpec> specs;
    for (const checkpoint::NeededTensor& tensor : needed) {
      if (tensor.block != block) continue;
      const bool is_plain = tensor.is_bias || tensor.shape.axes() == 1;
      const DType wide = is_block_format(stored_.dtype) ? DType::kF16 : stored_.dtype;
      const DType dtype = tensor.row->kind == RowKind::kConv ? wide : stored_.dtype;
      specs.push_back({tensor.name, is_plain ? DType::kF32 : dtype, tensor.shape});
      if (is_plain || stored_.scales == Scales::kNone) continue;
      const int64_t scales = stored_.scales == Scales::kTensor ? 1 : tensor.shape[0];
      specs.push_back({tensor.name + "_scale", scale_dtype(stored_.scales), Shape{scales}});
    }
    const std::filesystem::path path = folder_ / std::to_string(block);
    const auto writer = is_block_format(stored_.dtype)
                            ? formats::start_gguf(path, specs, {})
                            : formats::start_safetensors(path, specs, {});
    for (const formats::TensorSpec& spec : specs) {
      writer->append(random_bytes(spec.dtype, spec.shape.elements(), random_));
    }
    writer->commit();
    const std::shared_ptr<const formats::TensorFile> file = formats::open_tensor_file(path);
    for (const formats::TensorSpec& spec : specs) {
      if (spec.name.ends_with("_scale")) continue;
      checkpoint::StoredTensor& tensor = component_.tensors[spec.name];
      tensor = {.file = file, .entry = file->find(spec.name)};
      tensor.scale = file->find(spec.name + "_scale");
      if (tensor.scale != nullptr) tensor.scale_file = file;
    }
  }

  // To every tensor but the tables: factors, and full deltas to every other one too.
  void add_loras(const std::vector<checkpoint::NeededTensor>& needed) {
    constexpr int64_t kRank = 3;
    std::vector<formats::TensorSpec> specs;
    for (const checkpoint::NeededTensor& tensor : needed) {
      if (tensor.row->kind == RowKind::kTable) continue;
      const int64_t out = tensor.shape[0], in = tensor.shape.elements() / out;
      specs.push_back({tensor.name + "/up", DType::kBF16, {out, kRank}});
      specs.push_back({tensor.name + "/down", DType::kF16, {kRank, in}});
      if (specs.size() % 4 == 0)
        specs.push_back({tensor.name + "/full", DType::kF32, tensor.shape});
    }
    const auto writer = formats::start_safetensors(folder_ / "lora", specs, {});
    for (const formats::TensorSpec& spec : specs) {
      writer->append(random_bytes(spec.dtype, spec.shape.elements(), random_));
    }
    writer->commit();
    const std::shared_ptr<const formats::TensorFile> file =
        formats::open_tensor_file(folder_ / "lora");
    for (auto& [name, tensor] : component_.tensors) {
      const formats::TensorEntry* const up = file->find(name + "/up");
      if (up == nullptr) continue;
      const formats::TensorEntry* const down = file->find(name + "/down");
      tensor.deltas.push_back(
          {.file = file, .up = up, .down = down, .rank = kRank, .factor = 0.75f});
      const formats::TensorEntry* const full = file->find(name + "/full");
      if (full != nullptr) tensor.deltas.push_back({.file = file, .up = full, .factor = -0.5f});
    }
  }

  Stored stored_;
  std::mt19937 random_{7};
  test::TempFolder folder_;
  checkpoint::Component component_;
  memory::Manifest manifest_;
};

memory::StreamerOptions small_chunks(std::vector<int> resident) {
  constexpr uint64_t kChunkBytes = 4096 + memory::ChunkReader::kSlackBytes;
  return {.resident = std::move(resident),
          .window_slots = 2,
          .ring_bytes = 4 * kChunkBytes,
          .chunk_bytes = kChunkBytes,
          .reader_threads = 2,
          .read = {}};
}

using StoredCase = std::tuple<Stored, Precision, bool>;

class StoredAs : public testing::TestWithParam<StoredCase> {
 protected:
  const Stored stored_ = std::get<0>(GetParam());
  const Precision precision_ = std::get<1>(GetParam());
  const bool with_loras_ = std::get<2>(GetParam());
};

TEST_P(StoredAs, StreamedWeightsAreThoseOfTheHost) {
  const MadeComponent made(stored_, with_loras_);
  StopFlag stop;
  HostPreparer host(made.component(), cpu::reference_kernels(), precision_, stop);
  memory::WeightStore want(made.manifest(), host, 0);
  const ops::Kernels kernels = test::queued_kernels();
  const std::vector<std::vector<int>> residencies{{}, {0, 2}, {0, 1, 2, 3}};
  for (const std::vector<int>& resident : residencies) {
    SCOPED_TRACE(testing::Message() << resident.size() << " resident blocks");
    test::FakeCopyEngine engine({.most_delay = std::chrono::microseconds(50)});
    const Stream compute = engine.make_stream();
    DevicePreparer preparer(made.component(), kernels, precision_);
    PlannedMemory device(host_memory(), 1 << 20, "the memory of the test");
    memory::BlockStreamer got(made.manifest(), preparer, device, engine, stop,
                              small_chunks(resident));

    EXPECT_EQ(test::first_difference(made.manifest().fixed, got.fixed(), want.fixed(), kernels),
              "");
    EXPECT_EQ(test::first_difference(made.manifest().setup, got.setup(), want.setup(), kernels),
              "");
    for (int pass = 0; pass < 2; ++pass) {
      for (int index = 0; index < kBlocks; ++index) {
        const memory::WeightSource& a = got.acquire(index, compute);
        const memory::WeightSource& b = want.acquire(index, {});
        engine.finish(compute);
        EXPECT_EQ(test::first_difference(made.manifest().blocks[static_cast<size_t>(index)], a, b,
                                         kernels),
                  "");
      }
    }
    EXPECT_EQ(preparer.digest(), host.digest());
    EXPECT_THAT(engine.broken_rules(), IsEmpty());
  }
}

TEST_P(StoredAs, ThePlannerCountsTheSameBytes) {
  const MadeComponent made(stored_, with_loras_);
  DevicePreparer preparer(made.component(), cpu::reference_kernels(), precision_);
  for (const memory::WeightBlock* block :
       {&made.manifest().fixed, &made.manifest().setup, &made.manifest().blocks[1]}) {
    memory::BlockLoad load;
    for (const memory::WeightItem& item : block->items) {
      const checkpoint::StoredTensor& tensor = made.component().tensors.at(item.name);
      memory::StoredItem stored{
          .dtype = tensor.entry->dtype,
          .bytes = tensor.entry->size_bytes,
          .scale_bytes = tensor.scale == nullptr ? 0 : tensor.scale->size_bytes,
          .delta_bytes = {},
          .delta_ranks = {}};
      for (const checkpoint::Delta& delta : tensor.deltas) {
        stored.delta_bytes.push_back(delta.up->size_bytes);
        if (delta.down != nullptr) stored.delta_bytes.push_back(delta.down->size_bytes);
      }
      load.add(item, stored, {.compute = precision_.compute, .matrices = precision_.matrices});
    }
    const auto plan = preparer.plan(*block);
    uint64_t read_bytes = 0;
    for (const memory::SlotRead& read : plan->reads()) read_bytes += read.size_bytes;
    EXPECT_EQ(plan->slot_bytes(), load.prepared_bytes) << block->name;
    EXPECT_EQ(plan->staging_bytes(), load.staging_bytes) << block->name;
    EXPECT_EQ(read_bytes, load.stored_bytes) << block->name;
  }
}

TEST(DevicePreparer, LorasChangeTheWeightsAndNotTheirDigest) {
  const Stored stored{"Fp8Row", DType::kF8E4M3, Scales::kRowF32};
  const MadeComponent plain(stored), changed(stored, true);
  StopFlag stop;
  HostPreparer one(plain.component(), cpu::reference_kernels(), {}, stop);
  HostPreparer other(changed.component(), cpu::reference_kernels(), {}, stop);

  const auto without = one.prepare(plain.manifest().blocks[0]);
  const auto with = other.prepare(changed.manifest().blocks[0]);

  for (const memory::WeightItem& item : plain.manifest().blocks[0].items) {
    EXPECT_NE(test::first_difference({.name = "", .items = {item}}, *with, *without,
                                     cpu::reference_kernels()),
              "")
        << item.name;
  }
  EXPECT_EQ(one.digest(), other.digest());
  EXPECT_GT(other.bytes_read(), one.bytes_read());
}

std::string name_of(const testing::TestParamInfo<StoredCase>& info) {
  const Precision& precision = std::get<1>(info.param);
  return std::string(std::get<0>(info.param).name) + "To" + dtype_name(precision.matrices) +
         "With" + dtype_name(precision.compute) + (std::get<2>(info.param) ? "AndLoras" : "");
}

INSTANTIATE_TEST_SUITE_P(
    Formats, StoredAs,
    testing::Combine(testing::Values(Stored{"F32", DType::kF32}, Stored{"BF16", DType::kBF16},
                                     Stored{"F16", DType::kF16},
                                     Stored{"Fp8Tensor", DType::kF8E4M3, Scales::kTensor},
                                     Stored{"Fp8Row", DType::kF8E4M3, Scales::kRowF32},
                                     Stored{"Fp8Plain", DType::kF8E4M3},
                                     Stored{"Int8Row", DType::kI8, Scales::kRowF32},
                                     Stored{"Int8RowBf16", DType::kI8, Scales::kRowBF16},
                                     Stored{"Int8RowF16", DType::kI8, Scales::kRowF16},
                                     Stored{"Bf16Row", DType::kBF16, Scales::kRowF32},
                                     Stored{"Q8", DType::kQ8_0}, Stored{"Q4K", DType::kQ4_K}),
                     testing::Values(Precision{DType::kBF16, DType::kI8},
                                     Precision{DType::kBF16, DType::kF8E4M3},
                                     Precision{DType::kBF16, DType::kBF16},
                                     Precision{DType::kF32, DType::kF32}),
                     testing::Bool()),
    name_of);

// As in a slab, of which a bit has flipped; host and device tell it alike.
TEST(DevicePreparer, RefusesBytesThatAreNotThoseOfTheirDigest) {
  MadeComponent made({"Fp8Row", DType::kF8E4M3, Scales::kRowF32});
  checkpoint::StoredTensor& tensor = made.component().tensors.at("blocks.1.up.weight");
  std::vector<std::byte> bytes(stored_bytes(tensor));
  tensor.file->read(*tensor.entry, std::span(bytes).first(dense_bytes(*tensor.entry)));
  tensor.file->read(*tensor.scale, std::span(bytes).subspan(dense_bytes(*tensor.entry)));
  TreeDigest right(bytes.size()), wrong(bytes.size());
  right.add(0, bytes);
  bytes.back() ^= std::byte{1};  // of the last row's scale
  wrong.add(0, bytes);
  StopFlag stop;
  const ops::Kernels kernels = test::queued_kernels();
  for (const bool is_right : {true, false}) {
    tensor.digest = (is_right ? right : wrong).hex();
    test::FakeCopyEngine engine;
    const Stream compute = engine.make_stream();
    HostPreparer host(made.component(), cpu::reference_kernels(), {}, stop);
    DevicePreparer preparer(made.component(), kernels, {});
    PlannedMemory device(host_memory(), 1 << 20, "the memory of the test");
    memory::BlockStreamer got(made.manifest(), preparer, device, engine, stop, small_chunks({}));

    got.acquire(0, compute);
    if (is_right) {
      EXPECT_NO_THROW(got.acquire(1, compute));
      EXPECT_NO_THROW(host.prepare(made.manifest().blocks[1]));
    } else {
      const char* const words = "the bytes of \"blocks.1.up.weight\" are not those of its checksum";
      EXPECT_REEL_ERROR(got.acquire(1, compute), kBadFile, words);
      EXPECT_REEL_ERROR(host.prepare(made.manifest().blocks[1]), kBadFile, words);
    }
    engine.finish(compute);
  }
}

TEST(DevicePreparer, ReadsRowsOfATableIntoHostMemory) {
  const MadeComponent made({"F32", DType::kF32});
  StopFlag stop;
  HostPreparer host(made.component(), cpu::reference_kernels(), {}, stop);
  DevicePreparer preparer(made.component(), cpu::reference_kernels(), {});
  const Tensor got(DType::kF32, {2, 256}), want(DType::kF32, {2, 256});
  const int32_t ids[] = {4, 1};

  const auto plan = preparer.plan(made.manifest().fixed);
  plan->open(nullptr)->gather_rows("table.weight", ids, got);
  host.prepare(made.manifest().fixed)->gather_rows("table.weight", ids, want);

  EXPECT_EQ(std::memcmp(got.view().data, want.view().data, 2 * 256 * 4), 0);
}

TEST(DevicePreparer, NamesAWeightThatIsMissing) {
  MadeComponent made({"F32", DType::kF32});
  DevicePreparer preparer(made.component(), cpu::reference_kernels(), {});
  const auto plan = preparer.plan(made.manifest().blocks[0]);
  EXPECT_REEL_ERROR(plan->open(nullptr)->tensor("blocks.1.norm.weight"), kNotFound,
                    "block 0 has no weight \"blocks.1.norm.weight\"");

  made.component().tensors.erase("blocks.0.down.weight");
  EXPECT_REEL_ERROR(preparer.plan(made.manifest().blocks[0]), kNotFound,
                    "has no tensor \"blocks.0.down.weight\"");
}

TEST(DevicePreparer, SaysWhichBackendCannotPrepareWeights) {
  const MadeComponent made({"F32", DType::kF32});
  ops::Kernels none;
  none.backend = "abacus";
  DevicePreparer preparer(made.component(), none, {});
  EXPECT_REEL_ERROR(preparer.plan(made.manifest().fixed), kUnsupported, "The abacus backend");
}

}  // namespace
}  // namespace reel::prepare
