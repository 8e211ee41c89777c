// SPDX-License-Identifier: Apache-2.0
// The embedding table of the text encoder, in every layout: of its file, only the rows of the
// prompt's tokens are read, on the way to the CPU and to a GPU alike.
#include <gtest/gtest.h>
#include <reel/synth.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "backends/cpu/backend.h"
#include "checkpoint/checkpoint.h"
#include "core/buffer.h"
#include "models/umt5/names.h"
#include "pipeline/model_configs.h"
#include "prepare/dequantise.h"
#include "prepare/device_preparer.h"
#include "prepare/host_preparer.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

constexpr int64_t kVocabulary = 20'000;
constexpr int64_t kRows[] = {19'999, 0, 7'321, 7'321, 12};
constexpr uint64_t kOwnBytes = 256;  // at most, that asking for the count adds to it
constexpr prepare::Precision kWide{DType::kBF16, DType::kBF16};

// What this process has asked of files so far, page cache included.
uint64_t bytes_asked_for() {
  std::ifstream counters("/proc/self/io");
  std::string name;
  uint64_t value = 0;
  while (counters >> name >> value) {
    if (name == "rchar:") return value;
  }
  return 0;
}

class EmbeddingRows : public testing::TestWithParam<const char*> {
 protected:
  EmbeddingRows() {
    const std::string out = folder_ / "model";
    synthesize({.layout = GetParam(),
                .out = out,
                .seed = 4,
                .layers = 1,
                .t5_layers = 1,
                .t5_vocab = kVocabulary});
    files_ = checkpoint::open_checkpoint({.model = out});
    const umt5::Config config = pipeline::text_config(*files_.text_encoder);
    const memory::Manifest manifest = prepare::make_manifest(
        checkpoint::needed_tensors(umt5::name_units(config), umt5::dims_of(config)));
    for (const memory::WeightBlock* block : {&manifest.fixed, &manifest.setup}) {
      for (const memory::WeightItem& item : block->items) {
        if (item.kind == memory::WeightKind::kTable) tables_.items.push_back(item);
      }
    }
    for (const memory::WeightBlock& block : manifest.blocks) {
      for (const memory::WeightItem& item : block.items) {
        if (item.kind == memory::WeightKind::kTable) tables_.items.push_back(item);
      }
    }
    tables_.name = "tables";
  }

  const memory::WeightItem& table() const { return tables_.items.at(0); }

  // The rows, and what was read for them.
  std::pair<std::vector<float>, uint64_t> gather(const memory::WeightSource& source) const {
    const std::vector<int32_t> ids(std::begin(kRows), std::end(kRows));
    const Tensor rows(DType::kF32, {static_cast<int64_t>(ids.size()), table().shape.width()});
    std::ranges::fill(rows.values<float>(), -1.0f);
    const uint64_t before = bytes_asked_for();
    source.gather_rows(table().name, ids, rows);
    const uint64_t read = bytes_asked_for() - before;
    const auto values = rows.values<float>();
    return {{values.begin(), values.end()}, read};
  }

  std::vector<float> rows_of_the_whole_table() const {
    const checkpoint::StoredTensor& stored = prepare::stored_tensor(*files_.text_encoder, table());
    const auto width = static_cast<size_t>(table().shape.width());
    std::vector<float> all(static_cast<size_t>(kVocabulary) * width);
    prepare::read_rows(stored, 0, kVocabulary, all);
    std::vector<float> rows;
    for (const int64_t row : kRows) {
      const auto from = all.begin() + row * static_cast<int64_t>(width);
      rows.insert(rows.end(), from, from + static_cast<int64_t>(width));
    }
    return rows;
  }

  test::TempFolder folder_;
  StopFlag stop_;
  checkpoint::Checkpoint files_;
  memory::WeightBlock tables_;
};

TEST_P(EmbeddingRows, AreAllThatIsReadOfTheTable) {
  ASSERT_EQ(tables_.items.size(), 1u);
  ASSERT_EQ(table().shape[0], kVocabulary);
  const std::vector<float> want = rows_of_the_whole_table();
  const uint64_t stored_bytes =
      prepare::stored_tensor(*files_.text_encoder, table()).entry->size_bytes;
  const uint64_t most_bytes = 2 * std::size(kRows) * stored_bytes / kVocabulary + kOwnBytes;

  const uint64_t before = bytes_asked_for();
  ASSERT_GT(before, 0u) << "/proc/self/io does not tell";
  prepare::HostPreparer host(*files_.text_encoder, cpu::reference_kernels(), kWide, stop_);
  const auto on_host = host.prepare(tables_);
  prepare::DevicePreparer device(*files_.text_encoder, cpu::reference_kernels(), kWide);
  const auto plan = device.plan(tables_);
  std::vector<std::byte> slot(plan->slot_bytes());
  const auto on_device = plan->open(slot.data());
  EXPECT_LT(bytes_asked_for() - before, most_bytes) << "before any row is asked for";
  EXPECT_TRUE(plan->reads().empty());

  for (const memory::WeightSource* source : {on_host.get(), on_device.get()}) {
    const uint64_t counted_before = host.bytes_read() + device.table_bytes_read();
    const auto [rows, read] = gather(*source);
    EXPECT_EQ(rows, want);
    EXPECT_GT(read, 0u);
    EXPECT_LE(read, most_bytes);
    const uint64_t counted = host.bytes_read() + device.table_bytes_read() - counted_before;
    EXPECT_LE(counted, read);
    EXPECT_GE(counted + kOwnBytes, read);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EmbeddingRows,
                         testing::Values("distill_fp8", "distill_int8", "bf16", "official",
                                         "comfy_fp8", "diffusers", "gguf:q8_0", "gguf:q4_k_m",
                                         "gguf:q6_k"),
                         [](const auto& layout) {
                           std::string name = layout.param;
                           std::ranges::replace(name, ':', '_');
                           return name;
                         });

}  // namespace
}  // namespace reel
