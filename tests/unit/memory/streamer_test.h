// SPDX-License-Identifier: Apache-2.0
// A streamer on a device made of threads, whose every rule is checked.
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/planned_memory.h"
#include "memory/block_streamer.h"
#include "streamed_model.h"

namespace reel::memory {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int kBlocks = 7;
constexpr int64_t kDirectBytes = 30'000;
constexpr int64_t kStagedBytes = 9'001;
constexpr uint64_t kChunkBytes = 4096 + ChunkReader::kSlackBytes;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A model, a device made of threads, and a streamer between them.
class BlockStreamerTest : public testing::Test {
 protected:
  explicit BlockStreamerTest(
      const test::FakeCopyEngine::Faults& faults = {.most_delay = microseconds(300)})
      : engine_(faults) {}

  ~BlockStreamerTest() override {
    EXPECT_EQ(engine_.live(), 0) << "events or pinned memory were not given back";
    EXPECT_EQ(device_.region().used_bytes(), 0u);
    EXPECT_THAT(engine_.broken_rules(), testing::IsEmpty());
  }

  StreamerOptions options() {
    return {.resident = {},
            .window_slots = 2,
            .ring_bytes = 5 * kChunkBytes,
            .chunk_bytes = kChunkBytes,
            .reader_threads = 2,
            .read = [this](const InputFile& file, std::span<std::byte> buffer,
                           uint64_t offset_bytes, size_t size_bytes) {
              engine_.host_writes(buffer.data(), buffer.size());
              if (on_read_) on_read_(file);
              return file.read_into(buffer, offset_bytes, size_bytes, mode_);
            }};
  }

  std::unique_ptr<BlockStreamer> streamer(const StreamerOptions& options) {
    return std::make_unique<BlockStreamer>(model_.manifest(), model_, device_, engine_, stop_,
                                           options);
  }

  void use(BlockStreamer& streamer, int index) {
    model_.compare(streamer.acquire(index, compute_), std::to_string(index), compute_);
  }

  void run_passes(BlockStreamer& streamer, int passes) {
    for (int pass = 0; pass < passes; ++pass) {
      for (int index = 0; index < streamer.blocks(); ++index) use(streamer, index);
    }
    engine_.finish(compute_);
  }

  test::FakeCopyEngine engine_;
  Stream compute_ = engine_.make_stream();
  StreamedModel model_{kBlocks, kDirectBytes, kStagedBytes, &engine_};
  PlannedMemory device_{host_memory(), 2 << 20, "the memory of the test"};
  StopFlag stop_;
  ReadMode mode_ = ReadMode::kBuffered;
  std::function<void(const InputFile&)> on_read_;
};

}  // namespace reel::memory
