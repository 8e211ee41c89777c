// SPDX-License-Identifier: Apache-2.0
#include "memory/chunk_reader.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <numeric>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::memory {
namespace {

// Bytes 0, 1, 2, ... as a dense tensor [12] and as the transposed [4, 3] of it.
class CountingFile : public formats::TensorFile {
 public:
  explicit CountingFile(const std::filesystem::path& path)
      : TensorFile(formats::FileFormat::kTorchZip, InputFile(path)) {
    entries_.push_back({.name = "dense",
                        .dtype = DType::kU8,
                        .shape = {12},
                        .offset_bytes = 0,
                        .size_bytes = 12,
                        .strides = {}});
    entries_.push_back({.name = "strided",
                        .dtype = DType::kU8,
                        .shape = {4, 3},
                        .offset_bytes = 0,
                        .size_bytes = 12,
                        .strides = {1, 4}});
    finish(Overlap::kAllowed);
  }
};

class ChunkReaderTest : public testing::Test {
 protected:
  ChunkReaderTest() { write(12); }

  void write(int count) {
    std::string bytes(static_cast<size_t>(count), '\0');
    std::iota(bytes.begin(), bytes.end(), '\0');
    std::ofstream(folder_ / "file", std::ios::binary) << bytes;
  }

  SlotRead read_of(const std::shared_ptr<const formats::TensorFile>& file, const char* name) {
    return {.file = file,
            .entry = file->find(name),
            .offset_bytes = 0,
            .size_bytes = 12,
            .to_bytes = 0,
            .to_staging = false,
            .item = 0};
  }

  // The tensor, read chunk by chunk.
  std::vector<int> read_all(const char* name, uint64_t chunk_bytes) {
    const auto file = std::make_shared<CountingFile>(folder_ / "file");
    ChunkReader reader(ReadMode::kBuffered, {});
    std::vector<std::byte> buffer(3 * InputFile::kDirectBytes);
    std::vector<int> all;
    for (const Chunk& chunk : cut_into_chunks({read_of(file, name)}, chunk_bytes)) {
      const size_t begins = reader.read(chunk, buffer);
      for (size_t at = 0; at < chunk.size_bytes; ++at) {
        all.push_back(static_cast<int>(buffer[begins + at]));
      }
    }
    return all;
  }

  test::TempFolder folder_;
};

TEST_F(ChunkReaderTest, ReadsADenseTensorInEveryChunkSize) {
  std::vector<int> counted(12);
  std::iota(counted.begin(), counted.end(), 0);
  for (const uint64_t chunk_bytes : {1u, 5u, 12u, 100u}) {
    EXPECT_EQ(read_all("dense", chunk_bytes), counted) << chunk_bytes;
  }
}

TEST_F(ChunkReaderTest, MakesStridedTensorsRowMajorInEveryChunkSize) {
  const std::vector<int> transposed{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11};
  for (const uint64_t chunk_bytes : {1u, 5u, 12u, 100u}) {
    EXPECT_EQ(read_all("strided", chunk_bytes), transposed) << chunk_bytes;
  }
}

TEST_F(ChunkReaderTest, NoticesAFileThatWasWrittenSinceItWasOpened) {
  const auto file = std::make_shared<CountingFile>(folder_ / "file");
  const std::vector<Chunk> chunks = cut_into_chunks({read_of(file, "strided")}, 12);
  ChunkReader reader(ReadMode::kBuffered, {});
  std::vector<std::byte> buffer(3 * InputFile::kDirectBytes);
  write(13);

  EXPECT_REEL_ERROR(reader.read(chunks[0], buffer), kBadFile, "was changed while it was in use");
}

}  // namespace
}  // namespace reel::memory
