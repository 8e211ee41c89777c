// SPDX-License-Identifier: Apache-2.0
#include "memory/block_streamer.h"

#include <atomic>
#include <random>
#include <thread>

#include "core/host_copy_engine.h"
#include "memory/planner.h"
#include "memory/stream_layout.h"
#include "streamer_test.h"
#include "support/expect_error.h"

namespace reel::memory {
namespace {

struct Placement {
  int resident;
  int slots;
  ReadMode mode;
};

class Placements : public BlockStreamerTest, public testing::WithParamInterface<Placement> {};

TEST_P(Placements, EveryBlockIsWhatItsFileHoldsInEveryPass) {
  StreamerOptions with = options();
  with.resident = resident_blocks(kBlocks, kBlocks - GetParam().resident);
  with.window_slots = GetParam().slots;
  mode_ = GetParam().mode;

  const auto blocks = streamer(with);
  model_.compare(blocks->fixed(), "fixed", compute_);
  model_.compare(blocks->setup(), "setup", compute_);
  run_passes(*blocks, 4);

  EXPECT_EQ(model_.differences(), 0);
  EXPECT_EQ(blocks->stats().restarts, 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, Placements,
    testing::Values(Placement{0, 1, ReadMode::kBuffered}, Placement{0, 2, ReadMode::kBuffered},
                    Placement{0, 3, ReadMode::kDirect}, Placement{1, 2, ReadMode::kBuffered},
                    Placement{3, 2, ReadMode::kDirect}, Placement{4, 1, ReadMode::kBuffered},
                    Placement{6, 1, ReadMode::kBuffered}, Placement{7, 0, ReadMode::kBuffered}));

TEST_F(BlockStreamerTest, ReadsResidentBlocksOnceAndTheOthersInEveryPass) {
  StreamerOptions with = options();
  with.resident = {0, 2, 4};

  const auto blocks = streamer(with);
  blocks->setup();
  run_passes(*blocks, 2);
  blocks->set_last_pass();
  run_passes(*blocks, 1);

  // fixed, setup, 3 resident, 4 streamed in each of 3 passes
  const auto once = static_cast<uint64_t>(model_.block_bytes());
  EXPECT_EQ(blocks->stats().bytes_copied, (2 + 3 + 3 * 4) * once);
  EXPECT_EQ(blocks->stats().bytes_read, blocks->stats().bytes_copied);
}

TEST_F(BlockStreamerTest, ReadsAheadUnlessThePassIsTheLast) {
  const auto blocks = streamer(options());
  run_passes(*blocks, 1);
  const uint64_t a_pass = 2 * static_cast<uint64_t>(model_.block_bytes()) +
                          kBlocks * static_cast<uint64_t>(model_.block_bytes());
  const Clock::time_point start = Clock::now();
  while (blocks->stats().bytes_read <= a_pass && seconds_since(start) < 10) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_GT(blocks->stats().bytes_read, a_pass);

  const auto once = streamer(options());
  once->set_last_pass();
  run_passes(*once, 1);
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(once->stats().bytes_read, a_pass);
}

TEST_F(BlockStreamerTest, TakesAsMuchMemoryAsItSays) {
  StreamerOptions with = options();
  with.resident = {1, 3};
  const StreamerFootprint says = make_stream_layout(model_.manifest(), model_, with).footprint;

  const auto blocks = streamer(with);

  uint64_t taken = 0;
  for (const auto& [tag, use] : device_.region().use_by_tag()) {
    const uint64_t said = tag == "fixed weights"     ? says.fixed_bytes
                          : tag == "setup weights"   ? says.setup_bytes
                          : tag == "resident blocks" ? says.resident_bytes
                          : tag == "window"          ? says.window_bytes
                                                     : says.staging_bytes;
    EXPECT_GE(use.now_bytes, said) << tag;
    EXPECT_LT(use.now_bytes, said + 3 * RegionAllocator::kAlignment) << tag;
    taken += use.now_bytes;
  }
  EXPECT_GT(taken, 6 * static_cast<uint64_t>(model_.block_bytes()));
  EXPECT_EQ(says.pinned_bytes, 5 * kChunkBytes);
  EXPECT_EQ(says.streamed_bytes_a_pass, 5 * static_cast<uint64_t>(model_.block_bytes()));
}

TEST_F(BlockStreamerTest, WorksInEveryOrder) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  StreamerOptions with = options();
  with.resident = {1, 4};
  const auto blocks = streamer(with);

  for (int index = kBlocks - 1; index >= 0; --index) use(*blocks, index);
  for (int call = 0; call < 40; ++call) use(*blocks, static_cast<int>(random() % kBlocks));
  engine_.finish(compute_);

  EXPECT_EQ(model_.differences(), 0);
  EXPECT_GT(blocks->stats().restarts, 0);
}

TEST_F(BlockStreamerTest, GivesTheSameBlockAgainWithoutReadingIt) {
  const auto blocks = streamer(options());
  const void* const first = blocks->acquire(0, compute_).tensor("0.direct").data;

  EXPECT_EQ(blocks->acquire(0, compute_).tensor("0.direct").data, first);
  use(*blocks, 1);
  engine_.finish(compute_);

  EXPECT_EQ(model_.differences(), 0);
  EXPECT_EQ(blocks->stats().restarts, 0);
}

TEST_F(BlockStreamerTest, KeepsTheSetupWeightsOnlyUntilTheFirstBlock) {
  const auto blocks = streamer(options());
  model_.compare(blocks->setup(), "setup", compute_);
  const auto use_of_setup = [&] {
    return device_.region().use_by_tag().at("setup weights").now_bytes;
  };
  EXPECT_GT(use_of_setup(), 0u);

  use(*blocks, 0);
  EXPECT_EQ(use_of_setup(), 0u);

  use(*blocks, 1);
  model_.compare(blocks->setup(), "setup", compute_);  // again, for another prompt
  use(*blocks, 0);
  use(*blocks, 1);
  engine_.finish(compute_);
  EXPECT_EQ(model_.differences(), 0);
}

TEST_F(BlockStreamerTest, FeedsDigestsWithEveryByteOnce) {
  StreamerOptions with = options();
  with.resident = {3};
  with.reader_threads = 4;
  const auto blocks = streamer(with);
  run_passes(*blocks, 2);

  const auto digested = model_.digested();
  EXPECT_EQ(digested.size(), (kBlocks + 2) * 3u);
  EXPECT_EQ(model_.digests(), kBlocks + 2) << "not again in the second pass";
  for (const auto& [name, bytes] : digested) {
    EXPECT_EQ(bytes, StreamedModel::content(name, static_cast<int64_t>(bytes.size()))) << name;
  }
  EXPECT_EQ(digested.at("6.staged").size(), static_cast<size_t>(kStagedBytes));
  EXPECT_EQ(model_.differences(), 0);
}

// The compute stream does not move: only so many blocks are handed out.
TEST_F(BlockStreamerTest, HostRunsAtMostTwoBlocksAhead) {
  StreamerOptions with = options();
  with.resident = {0, 1, 2, 3, 4, 5, 6};
  const auto blocks = streamer(with);
  blocks->fixed();
  std::atomic<bool> may_compute{false};
  std::atomic<int> handed_out{0};
  std::thread host([&] {
    for (int index = 0; index < kBlocks; ++index) {
      blocks->acquire(index, compute_);
      ++handed_out;
      test::FakeCopyEngine::submit(compute_, [&] { may_compute.wait(false); });
    }
  });
  std::this_thread::sleep_for(milliseconds(200));
  const int ahead = handed_out;
  may_compute = true;
  may_compute.notify_all();
  host.join();

  EXPECT_EQ(ahead, 2);  // block 0 is being computed, 1 waits behind it
  engine_.finish(compute_);
}

TEST_F(BlockStreamerTest, CountsTheTimeThatTheComputeStreamStood) {
  on_read_ = [&](const InputFile&) { std::this_thread::sleep_for(milliseconds(10)); };
  StreamerOptions with = options();
  with.reader_threads = 1;
  const auto blocks = streamer(with);
  blocks->setup();
  run_passes(*blocks, 1);

  // A block has about ten chunks: no less than 0.5 s in all, less what is in the ring.
  EXPECT_GT(blocks->stats().stall_seconds, 0.3);
}

TEST_F(BlockStreamerTest, DoesNotStallForResidentBlocks) {
  StreamerOptions with = options();
  with.resident = {0, 1, 2, 3, 4, 5, 6};
  const auto blocks = streamer(with);
  run_passes(*blocks, 1);
  const double first = blocks->stats().stall_seconds;
  run_passes(*blocks, 2);

  EXPECT_LT(blocks->stats().stall_seconds - first, 0.2);
}

TEST_F(BlockStreamerTest, AStopEndsTheWaitForTheDevice) {
  std::atomic<bool> may_compute{false};
  StreamerOptions with = options();
  with.resident = {0, 1, 2, 3, 4, 5, 6};
  const auto blocks = streamer(with);
  const auto compute = [&] {
    test::FakeCopyEngine::submit(compute_, [&] { may_compute.wait(false); });
  };
  blocks->acquire(0, compute_);
  compute();
  blocks->acquire(1, compute_);
  compute();
  std::thread user([&] {
    std::this_thread::sleep_for(milliseconds(50));
    stop_.request();
  });

  EXPECT_REEL_ERROR(blocks->acquire(2, compute_), kCancelled, "Stopped");

  user.join();
  may_compute = true;
  may_compute.notify_all();
}

TEST_F(BlockStreamerTest, EndsCleanlyAtEveryMoment) {
  for (int moment = 0; moment < 24; ++moment) {
    const auto blocks = streamer(options());
    for (int index = 0; index < moment / 3; ++index) use(*blocks, index % kBlocks);
    std::this_thread::sleep_for(microseconds(100 * (moment % 3)));
  }
  EXPECT_EQ(model_.differences(), 0);
}

TEST_F(BlockStreamerTest, TheNextStreamerMayUseTheSameMemoryAtOnce) {
  for (int turn = 0; turn < 3; ++turn) {
    StreamerOptions with = options();
    with.after = compute_;
    const auto blocks = streamer(with);
    for (int index = 0; index < 3; ++index) use(*blocks, index);
  }
  engine_.finish(compute_);
  EXPECT_EQ(model_.differences(), 0);
}

TEST_F(BlockStreamerTest, NamesTheTagWhenTheDeviceIsTooSmall) {
  PlannedMemory small(host_memory(), 100'000, "the memory of the test");
  EXPECT_REEL_ERROR(BlockStreamer(model_.manifest(), model_, small, engine_, stop_, options()),
                    kOutOfMemory, "window needs");
  EXPECT_EQ(small.region().used_bytes(), 0u);
}

TEST_F(BlockStreamerTest, RefusesABlockThatIsNotThere) {
  const auto blocks = streamer(options());
  EXPECT_REEL_ERROR(blocks->acquire(kBlocks, compute_), kInvalidArgument, "no block 7 of 7");
}

TEST(BlockStreamer, RunsWithoutADevice) {
  HostCopyEngine engine;
  StopFlag stop;
  StreamedModel model(kBlocks, kDirectBytes, kStagedBytes, nullptr);
  BlockStreamer blocks(model.manifest(), model, host_memory(), engine, stop,
                       {.resident = {2},
                        .window_slots = 2,
                        .ring_bytes = 4 * kChunkBytes,
                        .chunk_bytes = kChunkBytes,
                        .read_mode = ReadMode::kDirect,
                        .read = {}});

  for (int index = 0; index < 3 * kBlocks; ++index) {
    const int block = index % kBlocks;
    model.compare(blocks.acquire(block, {}), std::to_string(block), {});
  }

  EXPECT_EQ(model.differences(), 0);
}

TEST(BlockStreamer, RunsWithoutBlocks) {
  HostCopyEngine engine;
  StopFlag stop;
  StreamedModel model(0, kDirectBytes, kStagedBytes, nullptr);
  BlockStreamer blocks(model.manifest(), model, host_memory(), engine, stop, {});

  model.compare(blocks.fixed(), "fixed", {});

  EXPECT_EQ(blocks.blocks(), 0);
  EXPECT_EQ(model.differences(), 0);
}

}  // namespace
}  // namespace reel::memory
