// SPDX-License-Identifier: Apache-2.0
#include "memory/chunk_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "formats/safetensors_writer.h"
#include "support/temp_folder.h"

namespace reel::memory {
namespace {

// A file with tensors "a" (100 bytes), "gap" (200,000) and "b" (50), one behind the other.
class ChunkPlanTest : public testing::Test {
 protected:
  ChunkPlanTest() {
    const std::vector<formats::TensorSpec> specs{{"a", DType::kU8, Shape{100}},
                                                 {"gap", DType::kU8, Shape{200'000}},
                                                 {"b", DType::kU8, Shape{50}}};
    const auto writer = formats::start_safetensors(folder_ / "x.safetensors", specs, {});
    for (const auto& spec : specs) {
      writer->append(std::vector<std::byte>(static_cast<size_t>(spec.shape.elements())));
    }
    writer->commit();
    file_ = formats::open_tensor_file(folder_ / "x.safetensors");
  }

  SlotRead read(const char* name, uint64_t offset_bytes, uint64_t size_bytes, uint64_t to_bytes,
                int item) const {
    return {.file = file_,
            .entry = file_->find(name),
            .offset_bytes = offset_bytes,
            .size_bytes = size_bytes,
            .to_bytes = to_bytes,
            .to_staging = false,
            .item = item};
  }

  test::TempFolder folder_;
  std::shared_ptr<const formats::TensorFile> file_;
};

TEST_F(ChunkPlanTest, CutsALongReadAndMarksWhereItsItemEnds) {
  const auto chunks = cut_into_chunks({read("a", 10, 90, 1000, 7)}, 40);

  ASSERT_EQ(chunks.size(), 3u);  // 40 + 40 + 10
  EXPECT_EQ(chunks[1].offset_bytes, file_->find("a")->offset_bytes + 10 + 40);
  EXPECT_EQ(chunks[2].size_bytes, 10u);
  EXPECT_EQ(chunks[2].pieces[0].to_bytes, 1000u + 80);
  EXPECT_EQ(chunks[2].pieces[0].read_offset_bytes, 80u);
  EXPECT_EQ(chunks[1].pieces[0].finished_item, -1);
  EXPECT_EQ(chunks[2].pieces[0].finished_item, 7);
}

TEST_F(ChunkPlanTest, JoinsNeighboursAndReadsThroughSmallGaps) {
  const auto chunks = cut_into_chunks(
      {read("a", 0, 100, 0, 0), read("gap", 0, 60, 512, 1), read("gap", 1000, 10, 1024, 2)}, 4096);

  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0].size_bytes, 100u + 1010);
  ASSERT_EQ(chunks[0].pieces.size(), 3u);
  EXPECT_EQ(chunks[0].pieces[2].from_bytes, 1100u);
}

TEST_F(ChunkPlanTest, StartsAgainAfterALargeGapAndWhereTheFileGoesBack) {
  const auto chunks = cut_into_chunks(
      {read("a", 0, 100, 0, 0), read("b", 0, 50, 512, 1), read("a", 0, 100, 1024, 2)}, 1 << 20);
  EXPECT_EQ(chunks.size(), 3u);
}

TEST_F(ChunkPlanTest, AnItemEndsWithTheLastOfItsReads) {
  const auto chunks = cut_into_chunks(
      {read("b", 0, 50, 512, 1), read("a", 0, 50, 0, 1), read("a", 50, 50, 64, 1)}, 4096);

  EXPECT_EQ(chunks[0].pieces[0].finished_item, -1);
  EXPECT_EQ(chunks[1].pieces[0].finished_item, -1);
  EXPECT_EQ(chunks[1].pieces[1].finished_item, 1);
}

TEST_F(ChunkPlanTest, BringsEveryByteOnceForEveryChunkSize) {
  const std::vector<SlotRead> reads{read("a", 0, 100, 0, 0), read("gap", 0, 200'000, 256, 1),
                                    read("b", 0, 50, 200'256 + 256, 2)};
  for (const uint64_t chunk_bytes : {1u, 31u, 64u, 4096u, 65'537u, 1u << 20}) {
    std::vector<uint64_t> at(reads.size());
    for (const Chunk& chunk : cut_into_chunks(reads, chunk_bytes)) {
      ASSERT_LE(chunk.size_bytes, chunk_bytes);
      for (const ChunkPiece& piece : chunk.pieces) {
        ASSERT_EQ(piece.read_offset_bytes, at[piece.read]);
        ASSERT_EQ(piece.to_bytes, reads[piece.read].to_bytes + at[piece.read]);
        ASSERT_EQ(chunk.offset_bytes + piece.from_bytes,
                  reads[piece.read].entry->offset_bytes + at[piece.read]);
        ASSERT_LE(piece.from_bytes + piece.size_bytes, chunk.size_bytes);
        at[piece.read] += piece.size_bytes;
      }
    }
    for (size_t index = 0; index < reads.size(); ++index) {
      EXPECT_EQ(at[index], reads[index].size_bytes) << chunk_bytes;
    }
  }
}

}  // namespace
}  // namespace reel::memory
