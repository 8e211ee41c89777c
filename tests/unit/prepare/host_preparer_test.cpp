// SPDX-License-Identifier: Apache-2.0
#include "prepare/host_preparer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "backends/cpu/backend.h"
#include "core/buffer.h"
#include "formats/safetensors_writer.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::prepare {
namespace {

using checkpoint::NameRow;
using checkpoint::RowKind;

constexpr NameRow kNameRows[] = {
    {0, 0, "norm.weight", RowKind::kTensor, "[2]"},
    {0, 1, "qkv", RowKind::kLinear, "[4, 2]", 2},
    {0, 2, "conv", RowKind::kConv, "[2, 1, 1, 1, 1]", 2},
    {0, 3, "table", RowKind::kTable, "[3, 2]"},
};

// A component whose file holds 1, 2, 3, ... in every tensor of the table.
class PreparerTest : public testing::Test {
 protected:
  explicit PreparerTest(float first = 1) {
    const checkpoint::NameUnit unit{.prefix = "blocks.0.", .rows = kNameRows, .block = 0};
    needed_ = checkpoint::needed_tensors({&unit, 1}, {});
    std::vector<formats::TensorSpec> specs;
    for (const auto& tensor : needed_) specs.push_back({tensor.name, DType::kF32, tensor.shape});
    const auto writer = formats::start_safetensors(folder_ / "x.safetensors", specs, {});
    for (const auto& spec : specs) {
      std::vector<float> values(static_cast<size_t>(spec.shape.elements()));
      for (size_t at = 0; at < values.size(); ++at) values[at] = first + static_cast<float>(at);
      writer->append(std::as_bytes(std::span(values)));
    }
    writer->commit();
    const std::shared_ptr<const formats::TensorFile> file =
        formats::open_tensor_file(folder_ / "x.safetensors");
    for (const formats::TensorEntry& entry : file->entries()) {
      component_.tensors[entry.name] = {.file = file, .entry = &entry};
    }
    component_.path = folder_.path();
  }

  HostPreparer preparer() {
    return {component_, cpu::reference_kernels(), {DType::kF32, DType::kF32}, stop_};
  }

  test::TempFolder folder_;
  StopFlag stop_;
  checkpoint::Component component_;
  std::vector<checkpoint::NeededTensor> needed_;
};

TEST_F(PreparerTest, PacksTheRowPartsOfAMatrixSeparately) {
  HostPreparer prepare = preparer();
  const memory::Manifest manifest = make_manifest(needed_);
  ASSERT_EQ(manifest.blocks.size(), 1u);

  const auto block = prepare.prepare(manifest.blocks[0]);

  const MatrixView second = block->matrix("blocks.0.qkv.weight", 1);
  EXPECT_EQ(second.out, 2);
  EXPECT_EQ(second.in, 2);
  EXPECT_EQ(static_cast<const float*>(second.data)[0], 5);  // the third row of [4, 2]
  EXPECT_EQ(block->tensor("blocks.0.qkv.bias").as<float>()[3], 4);
  EXPECT_EQ(static_cast<const float*>(block->conv("blocks.0.conv.weight", 1).data)[0], 2);
}

TEST_F(PreparerTest, ReadsRowsOfATableOnDemand) {
  HostPreparer prepare = preparer();
  const auto block = prepare.prepare(make_manifest(needed_).blocks[0]);
  const Tensor out(DType::kF32, {2, 2});
  const int32_t ids[] = {2, 0};

  block->gather_rows("blocks.0.table.weight", ids, out);

  EXPECT_EQ(out.values<float>()[0], 5);
  EXPECT_EQ(out.values<float>()[3], 2);
}

TEST_F(PreparerTest, CountsWhatItReadEveryTime) {
  HostPreparer prepare = preparer();
  const memory::Manifest manifest = make_manifest(needed_);
  prepare.prepare(manifest.blocks[0]);
  const uint64_t once = prepare.bytes_read();
  prepare.prepare(manifest.blocks[0]);

  EXPECT_EQ(once, (2 + 8 + 4 + 2 + 2) * sizeof(float));  // all but the table
  EXPECT_EQ(prepare.bytes_read(), 2 * once);
}

TEST_F(PreparerTest, TakesAsMuchMemoryAsItSays) {
  HostPreparer prepare = preparer();
  // norm 2, qkv 8 + 4, conv 2 + 2 numbers; the table is never held.
  EXPECT_EQ(prepare.prepared_bytes(make_manifest(needed_).blocks[0]), 18u * 4);
}

TEST_F(PreparerTest, StopsWhenAsked) {
  HostPreparer prepare = preparer();
  stop_.request();
  EXPECT_REEL_ERROR(prepare.prepare(make_manifest(needed_).blocks[0]), kCancelled, "Stopped");
}

class NanPreparerTest : public PreparerTest {
 protected:
  NanPreparerTest() : PreparerTest(std::nanf("")) {}
};

TEST_F(NanPreparerTest, NamesTheTensorWithNumbersThatAreNotFinite) {
  HostPreparer prepare = preparer();
  EXPECT_REEL_ERROR(prepare.prepare(make_manifest(needed_).blocks[0]), kBadFile,
                    "\"blocks.0.norm.weight\" holds numbers that are not finite");
}

TEST_F(PreparerTest, DigestDependsOnTheBytesThatWereRead) {
  HostPreparer first = preparer();
  HostPreparer second = preparer();
  const memory::Manifest manifest = make_manifest(needed_);
  first.prepare(manifest.blocks[0]);
  const std::string before = second.digest();
  second.prepare(manifest.blocks[0]);
  EXPECT_EQ(first.digest(), second.digest());
  EXPECT_NE(first.digest(), before);
}

}  // namespace
}  // namespace reel::prepare
