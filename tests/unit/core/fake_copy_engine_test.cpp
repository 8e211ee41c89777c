// SPDX-License-Identifier: Apache-2.0
// The fake device finds what it is made to find.
#include "support/fake_copy_engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>

#include "support/expect_error.h"

namespace reel::test {
namespace {

using std::chrono::milliseconds;

// A pinned byte, a device byte, a compute stream.
class FakeCopyEngineTest : public testing::Test {
 protected:
  ~FakeCopyEngineTest() override { engine_.free_pinned(pinned_); }

  FakeCopyEngine engine_{{.most_delay = milliseconds(5)}};
  std::byte* const pinned_ = engine_.allocate_pinned(1, "test");
  std::byte device_{};
  const Stream compute_ = engine_.make_stream();
};

TEST_F(FakeCopyEngineTest, CopiesInOrderBehindAnEvent) {
  const OwnedEvent arrived(engine_);
  std::byte seen{};
  engine_.host_writes(pinned_, 1);
  *pinned_ = std::byte{7};

  engine_.copy_to_device(&device_, pinned_, 1);
  engine_.record(arrived, engine_.copy_stream());
  engine_.wait(compute_, arrived);
  engine_.will_read(compute_, &device_, 1);
  FakeCopyEngine::submit(compute_, [&] { seen = device_; });
  engine_.finish(compute_);

  EXPECT_EQ(seen, std::byte{7});
  EXPECT_TRUE(engine_.has_passed(arrived));
  EXPECT_TRUE(engine_.broken_rules().empty()) << engine_.broken_rules()[0];
}

TEST_F(FakeCopyEngineTest, FindsAReadThatWaitsForNoEvent) {
  engine_.copy_to_device(&device_, pinned_, 1);
  engine_.will_read(compute_, &device_, 1);
  engine_.finish(engine_.copy_stream());

  ASSERT_EQ(engine_.broken_rules().size(), 1u);
  EXPECT_NE(engine_.broken_rules()[0].find("a read is not ordered behind the write"),
            std::string::npos);
}

TEST_F(FakeCopyEngineTest, FindsACopyIntoBytesThatAreStillRead) {
  engine_.will_read(compute_, &device_, 1);
  engine_.copy_to_device(&device_, pinned_, 1);
  engine_.finish(engine_.copy_stream());

  ASSERT_EQ(engine_.broken_rules().size(), 1u);
  EXPECT_NE(engine_.broken_rules()[0].find("a copy's destination is not ordered behind the read"),
            std::string::npos);
}

TEST_F(FakeCopyEngineTest, FindsPinnedMemoryThatIsUsedAgainTooEarly) {
  engine_.copy_to_device(&device_, pinned_, 1);
  engine_.host_writes(pinned_, 1);
  engine_.finish(engine_.copy_stream());
  engine_.host_writes(pinned_, 1);  // now the host has waited

  EXPECT_EQ(engine_.broken_rules().size(), 1u);
}

TEST_F(FakeCopyEngineTest, FindsPinnedMemoryThatChangesDuringACopy) {
  std::atomic<bool> may_run{false};
  FakeCopyEngine::submit(engine_.copy_stream(), [&] { may_run.wait(false); });
  engine_.copy_to_device(&device_, pinned_, 1);
  *pinned_ = std::byte{9};
  may_run = true;
  may_run.notify_all();
  engine_.finish(engine_.copy_stream());

  EXPECT_EQ(engine_.broken_rules().size(), 1u);
}

TEST_F(FakeCopyEngineTest, AWaitStandsForTheRecordBeforeIt) {
  const OwnedEvent event(engine_);
  engine_.wait(compute_, event);  // nothing recorded: no wait
  engine_.finish(compute_);
  engine_.copy_to_device(&device_, pinned_, 1);
  engine_.record(event, engine_.copy_stream());
  engine_.will_read(compute_, &device_, 1);
  engine_.wait(compute_, event);  // too late
  engine_.finish(compute_);

  EXPECT_EQ(engine_.broken_rules().size(), 1u);
}

TEST(LostFakeCopyEngine, FailsEveryCallFromTheLossOn) {
  FakeCopyEngine engine({.lost_at_copy = 0});
  std::byte* const pinned = engine.allocate_pinned(1, "test");
  std::byte device{};
  {
    const OwnedEvent event(engine);
    engine.copy_to_device(&device, pinned, 1);

    EXPECT_REEL_ERROR(engine.finish(engine.copy_stream()), kDeviceFailure, "lost");
    EXPECT_REEL_ERROR(engine.has_passed(event), kDeviceFailure, "lost");
  }
  engine.free_pinned(pinned);
  EXPECT_EQ(engine.live(), 0);
}

}  // namespace
}  // namespace reel::test
