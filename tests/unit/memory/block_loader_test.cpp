// SPDX-License-Identifier: Apache-2.0
// What goes wrong on the way from a file to the device.
#include "memory/block_loader.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "streamer_test.h"
#include "support/expect_error.h"

namespace reel::memory {
namespace {

using BlockLoaderTest = BlockStreamerTest;

TEST_F(BlockLoaderTest, AReadErrorIsToldAtItsBlockAndAnotherCallTriesAgain) {
  std::atomic<bool> is_broken{true};
  on_read_ = [&](const InputFile& file) {
    if (is_broken && file.path() == model_.file_of("3")) {
      fail(ErrorCode::kIo, "Cannot read block 3: Input/output error.");
    }
  };
  const auto blocks = streamer(options());
  for (int index = 0; index < 3; ++index) use(*blocks, index);

  const Clock::time_point start = Clock::now();
  EXPECT_REEL_ERROR(blocks->acquire(3, compute_), kIo, "Cannot read block 3");
  EXPECT_LT(seconds_since(start), 0.5);
  EXPECT_REEL_ERROR(blocks->acquire(3, compute_), kIo, "Cannot read block 3");
  is_broken = false;
  for (int index = 3; index < kBlocks; ++index) use(*blocks, index);
  engine_.finish(compute_);

  EXPECT_EQ(model_.differences(), 0);
}

TEST_F(BlockLoaderTest, AReadErrorOfAResidentBlockIsToldAndTriedAgain) {
  std::atomic<bool> is_broken{true};
  on_read_ = [&](const InputFile& file) {
    if (is_broken &&
        (file.path() == model_.file_of("2") || file.path() == model_.file_of("fixed"))) {
      fail(ErrorCode::kIo, "Input/output error.");
    }
  };
  StreamerOptions with = options();
  with.resident = {2};
  const auto blocks = streamer(with);
  EXPECT_REEL_ERROR(blocks->fixed(), kIo, "Input/output error");
  EXPECT_REEL_ERROR(blocks->fixed(), kIo, "Input/output error");
  use(*blocks, 0);
  use(*blocks, 1);
  EXPECT_REEL_ERROR(blocks->acquire(2, compute_), kIo, "Input/output error");
  is_broken = false;
  for (int index = 2; index < kBlocks; ++index) use(*blocks, index);
  model_.compare(blocks->fixed(), "fixed", compute_);
  engine_.finish(compute_);

  EXPECT_EQ(model_.differences(), 0);
}

class ShrinkingFile : public BlockLoaderTest, public testing::WithParamInterface<ReadMode> {};

// A read that comes back short, whichever way around the page cache.
TEST_P(ShrinkingFile, IsNamedWithinHalfASecond) {
  mode_ = GetParam();
  const auto blocks = streamer(options());
  run_passes(*blocks, 1);
  std::filesystem::resize_file(model_.file_of("5"), 20'000);
  for (int index = 0; index < 5; ++index) use(*blocks, index);

  const Clock::time_point start = Clock::now();
  EXPECT_REEL_ERROR(blocks->acquire(5, compute_), kBadFile, "20,000");
  EXPECT_LT(seconds_since(start), 0.5);
  engine_.finish(compute_);
  EXPECT_EQ(model_.differences(), 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, ShrinkingFile,
                         testing::Values(ReadMode::kBuffered, ReadMode::kDirect));

TEST_F(BlockLoaderTest, AFileThatIsWrittenWhileStreamingIsNamed) {
  const auto blocks = streamer(options());
  run_passes(*blocks, 1);
  std::ofstream(model_.file_of("5"), std::ios::app) << "more";
  for (int index = 0; index < 5; ++index) use(*blocks, index);

  EXPECT_REEL_ERROR(blocks->acquire(5, compute_), kBadFile,
                    "5.safetensors\" was changed while it was in use");
  engine_.finish(compute_);
}

TEST_F(BlockLoaderTest, AFileThatVanishesIsStillRead) {
  const auto blocks = streamer(options());
  run_passes(*blocks, 1);
  for (int index = 0; index < kBlocks; ++index) {
    std::filesystem::remove(model_.file_of(std::to_string(index)));
  }
  run_passes(*blocks, 1);

  EXPECT_EQ(model_.differences(), 0);
}

TEST_F(BlockLoaderTest, AStopEndsTheWaitForASlowDiskAtOnce) {
  std::atomic<bool> is_stuck{true};
  on_read_ = [&](const InputFile& file) {
    if (file.path() == model_.file_of("2")) is_stuck.wait(true);
  };
  const auto blocks = streamer(options());
  use(*blocks, 0);
  use(*blocks, 1);
  Clock::time_point asked;
  std::thread user([&] {
    std::this_thread::sleep_for(milliseconds(50));
    asked = Clock::now();
    stop_.request();
  });

  EXPECT_REEL_ERROR(blocks->acquire(2, compute_), kCancelled, "Stopped");

  user.join();
  EXPECT_LT(seconds_since(asked), 0.2);
  is_stuck = false;
  is_stuck.notify_all();
}

class NoPinnedMemory : public BlockStreamerTest {
 protected:
  NoPinnedMemory() : BlockStreamerTest({.has_no_pinned_memory = true}) {}
};

TEST_F(NoPinnedMemory, IsAnErrorThatSaysWhatFor) {
  EXPECT_REEL_ERROR(streamer(options()), kOutOfMemory, "the ring of weight chunks");
}

// The device is lost at one copy after the other, when it runs or when it is submitted.
TEST(LostDevice, IsToldByTheNextCallThatNeedsIt) {
  for (int at = 0; at < 60; at += 7) {
    for (const bool at_submit : {false, true}) {
      SCOPED_TRACE(testing::Message() << "copy " << at << (at_submit ? " submitted" : " run"));
      test::FakeCopyEngine engine(
          {.lost_at_copy = at_submit ? -1 : at, .lost_at_submit = at_submit ? at : -1});
      const Stream compute = engine.make_stream();
      StreamedModel model(kBlocks, kDirectBytes, kStagedBytes, &engine);
      StopFlag stop;
      const auto run = [&] {
        BlockStreamer blocks(model.manifest(), model, host_memory(), engine, stop,
                             {.resident = {},
                              .window_slots = 2,
                              .ring_bytes = 4 * kChunkBytes,
                              .chunk_bytes = kChunkBytes,
                              .read = {}});
        try {
          blocks.fixed();
          for (int index = 0; index < 3 * kBlocks; ++index) {
            blocks.acquire(index % kBlocks, compute);
          }
        } catch (const Error&) {
          // Who ends a stage asks for them in a destructor.
          EXPECT_NO_THROW(blocks.stats());
          throw;
        }
      };
      EXPECT_REEL_ERROR(run(), kDeviceFailure, "lost");
      EXPECT_EQ(engine.live(), 0);
    }
  }
}

}  // namespace
}  // namespace reel::memory
