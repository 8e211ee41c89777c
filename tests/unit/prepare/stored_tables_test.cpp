// SPDX-License-Identifier: Apache-2.0
#include "prepare/stored_tables.h"

#include <gmock/gmock.h>

#include "core/buffer.h"
#include "formats/safetensors_writer.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::prepare {
namespace {

using testing::ElementsAre;

constexpr int64_t kTableWidth = 3;

// A table of INT8 rows with an f32 scale each: row r is r * (1, 2, 3) times 0.5.
class StoredTablesTest : public testing::Test {
 protected:
  StoredTablesTest() {
    const std::vector<int8_t> numbers = {0, 0, 0, 1, 2, 3, 2, 4, 6, 3, 6, 9};
    const std::vector<float> scales = {0.5f, 0.5f, 0.5f, 0.5f};
    const auto writer = formats::start_safetensors(
        folder_ / "x.safetensors",
        {{"w", DType::kI8, {4, kTableWidth}}, {"s", DType::kF32, {4, 1}}}, {});
    writer->append(std::as_bytes(std::span(numbers)));
    writer->append(std::as_bytes(std::span(scales)));
    writer->commit();
    file_ = formats::open_tensor_file(folder_ / "x.safetensors");
    stored_ = {
        .file = file_, .entry = file_->find("w"), .scale_file = file_, .scale = file_->find("s")};
    tables_.add("table", stored_);
  }

  test::TempFolder folder_;
  std::shared_ptr<const formats::TensorFile> file_;
  checkpoint::StoredTensor stored_;
  std::atomic<uint64_t> bytes_read_{0};
  StoredTables tables_{"the block", bytes_read_};
};

TEST_F(StoredTablesTest, GiveRowsAndCountWhatTheyRead) {
  const Tensor out(DType::kF32, {3, kTableWidth});
  const std::vector<int32_t> ids = {3, 1, 3};

  tables_.gather_rows("table", ids, out);

  EXPECT_THAT(out.values<float>(), ElementsAre(1.5f, 3, 4.5f, 0.5f, 1, 1.5f, 1.5f, 3, 4.5f));
  EXPECT_EQ(bytes_read_, ids.size() * (kTableWidth + sizeof(float)));
}

TEST_F(StoredTablesTest, KnowTheirNames) {
  EXPECT_TRUE(tables_.has("table"));
  EXPECT_FALSE(tables_.has("other"));
  const Tensor out(DType::kF32, {1, kTableWidth});
  const std::vector<int32_t> ids = {0};
  EXPECT_REEL_ERROR(tables_.gather_rows("other", ids, out), kNotFound,
                    "the block has no table \"other\"");
}

}  // namespace
}  // namespace reel::prepare
