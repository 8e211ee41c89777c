// SPDX-License-Identifier: Apache-2.0
// In which order a block is read, and where its bytes arrive. What becomes of them is tested in
// device_preparer_test.cpp.
#include "prepare/slot_layout.h"

#include <gmock/gmock.h>

#include "backends/cpu/backend.h"
#include "formats/safetensors_writer.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::prepare {
namespace {

using memory::WeightItem;
using memory::WeightKind;
using testing::ElementsAre;

constexpr int64_t kLoraRank = 2;

// Two INT8 matrices with row scales and a bias, and a LoRA for the second matrix.
class SlotLayoutTest : public testing::Test {
 protected:
  SlotLayoutTest() {
    file_ = written("m", {{"a.weight", DType::kI8, {4, 128}},
                          {"a.weight_scale", DType::kF32, {4, 1}},
                          {"b.weight", DType::kI8, {2, 256}},
                          {"b.weight_scale", DType::kF32, {2, 1}},
                          {"b.bias", DType::kF32, {2}}});
    lora_ = written(
        "l", {{"b.up", DType::kF16, {2, kLoraRank}}, {"b.down", DType::kF16, {kLoraRank, 256}}});
  }

  std::shared_ptr<const formats::TensorFile> written(
      const char* name, const std::vector<formats::TensorSpec>& specs) const {
    const auto writer = formats::start_safetensors(folder_ / name, specs, {});
    for (size_t at = 0; at < specs.size(); ++at) writer->append_zeros();
    writer->commit();
    return formats::open_tensor_file(folder_ / name);
  }

  checkpoint::StoredTensor stored(const std::string& name, bool with_lora = false) const {
    checkpoint::StoredTensor tensor{.file = file_, .entry = file_->find(name)};
    tensor.scale = file_->find(name + "_scale");
    if (tensor.scale != nullptr) tensor.scale_file = file_;
    if (with_lora) {
      tensor.deltas = {{.file = lora_,
                        .up = lora_->find("b.up"),
                        .down = lora_->find("b.down"),
                        .rank = kLoraRank}};
    }
    return tensor;
  }

  SlotLayout layout(bool with_lora) const {
    const Precision precision{DType::kBF16, DType::kI8};
    SlotPlanner planner(cpu::reference_kernels(), precision);
    planner.add({.name = "a.weight", .kind = WeightKind::kMatrix, .shape = {4, 128}},
                stored("a.weight"));
    planner.add({.name = "b.weight", .kind = WeightKind::kMatrix, .shape = {2, 256}},
                stored("b.weight", with_lora));
    planner.add({.name = "b.bias", .kind = WeightKind::kTensor, .shape = {2}}, stored("b.bias"));
    return std::move(planner).finish();
  }

  static std::vector<std::string> names_of(const SlotLayout& layout) {
    std::vector<std::string> names;
    for (const memory::SlotRead& read : layout.reads) names.push_back(read.entry->name);
    return names;
  }

  test::TempFolder folder_;
  std::shared_ptr<const formats::TensorFile> file_, lora_;
};

TEST_F(SlotLayoutTest, ReadsScalesFirstThenTheFileInItsOrder) {
  const SlotLayout plain = layout(false);

  // Wide numbers come first in such a file.
  EXPECT_THAT(names_of(plain),
              ElementsAre("a.weight_scale", "b.weight_scale", "b.bias", "a.weight", "b.weight"));
  EXPECT_EQ(plain.scale_reads, 2u);
  EXPECT_EQ(plain.staging_bytes, 2 * 64u);
  EXPECT_EQ(plain.slot_bytes, (512 + 64) + (512 + 64) + 64u);
}

TEST_F(SlotLayoutTest, ReadsALoraRightBeforeWhatItChanges) {
  const SlotLayout plain = layout(false), changed = layout(true);

  EXPECT_THAT(names_of(changed), ElementsAre("a.weight_scale", "b.weight_scale", "b.bias",
                                             "a.weight", "b.up", "b.down", "b.weight"));
  EXPECT_EQ(changed.delta_entries.size(), 2u);
  EXPECT_EQ(changed.slot_bytes, plain.slot_bytes);
  // Beside the scales: the rows in f32, then both factors.
  EXPECT_EQ(changed.staging_bytes, 2 * 64 + 2 * 256 * 4 + 64 + kLoraRank * 256 * 2u);
  const RowsStep& step = changed.items[1].rows.at(0);
  EXPECT_EQ(step.changed.bytes, 2 * 64u);
  EXPECT_EQ(step.deltas.at(0).up.bytes, 2 * 64 + 2 * 256 * 4u);
  EXPECT_EQ(step.deltas[0].down.bytes, step.deltas[0].up.bytes + 64);
  EXPECT_TRUE(changed.items[0].rows.at(0).deltas.empty());
}

TEST_F(SlotLayoutTest, RefusesNumbersThatKernelsDoNotRead) {
  const auto file = written("w", {{"w", DType::kF64, {2, 2}}});
  const Precision precision;
  SlotPlanner planner(cpu::reference_kernels(), precision);

  EXPECT_REEL_ERROR(planner.add({.name = "w", .kind = WeightKind::kMatrix, .shape = {2, 2}},
                                {.file = file, .entry = file->find("w")}),
                    kUnsupported, "\"w\" is f64, which is not read on a GPU");
}

}  // namespace
}  // namespace reel::prepare
