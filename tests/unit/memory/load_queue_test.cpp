// SPDX-License-Identifier: Apache-2.0
#include "memory/load_queue.h"

#include <gmock/gmock.h>

#include <stdexcept>
#include <vector>

namespace reel::memory {
namespace {

using testing::ElementsAre;
using testing::IsNull;

// Five blocks, of which 0 and 3 stay, and one unit that belongs to no block.
constexpr size_t kBlocks = 5;
constexpr size_t kFixed = 5;

class LoadQueueTest : public testing::Test {
 protected:
  // The units whose reading may begin now.
  std::vector<size_t> take_all() {
    std::vector<size_t> units;
    while (const LoadPtr load = queue_.take_unread()) units.push_back(load->unit);
    return units;
  }
  void arrive(size_t unit) {
    const LoadPtr load = queue_.passing(unit);
    queue_.take_slot(*load);
    queue_.take_passing();
    queue_.give_back_slot(load->slot);
  }

  LoadQueue queue_{{true, false, false, true, false, true}, kBlocks, 2};
};

TEST_F(LoadQueueTest, StartsOneMoreThanTheSlots) {
  queue_.add(kFixed);

  EXPECT_THAT(take_all(), ElementsAre(kFixed, 0, 1, 2, 3, 4));
}

TEST_F(LoadQueueTest, LoadsWhatStaysOnceAndTheOthersInTurn) {
  take_all();

  arrive(1);
  EXPECT_THAT(take_all(), ElementsAre(1));
  arrive(2);
  arrive(4);
  EXPECT_THAT(take_all(), ElementsAre(2, 4));
  EXPECT_EQ(queue_.restarts(), 0);
}

TEST_F(LoadQueueTest, StopsBehindTheLastPass) {
  take_all();
  queue_.set_last_pass();

  for (const size_t unit : {1, 2, 4}) arrive(unit);

  EXPECT_THAT(queue_.take_unread(), IsNull());
}

TEST_F(LoadQueueTest, ABlockOutOfOrderDiscardsThoseBefore) {
  take_all();
  const LoadPtr skipped = queue_.passing(1);

  const LoadPtr wanted = queue_.passing(4);

  EXPECT_TRUE(skipped->is_discarded);
  EXPECT_FALSE(wanted->is_discarded);
  EXPECT_EQ(queue_.restarts(), 0) << "it was on its way";
  queue_.take_passing();
  arrive(2);
  EXPECT_EQ(queue_.restarts(), 1);
  EXPECT_EQ(queue_.take_unread()->unit, 2u);
  EXPECT_EQ(queue_.take_unread()->unit, 4u) << "the order goes on behind it";
}

TEST_F(LoadQueueTest, WhatStaysGoesFirstAfterItWasForgotten) {
  const LoadPtr before = queue_.add(kFixed);
  take_all();
  const LoadPtr waiting = queue_.passing(1);
  queue_.take_slot(*waiting);
  EXPECT_EQ(queue_.resident(kFixed), before);

  queue_.forget_resident(kFixed);
  const LoadPtr again = queue_.resident(kFixed);

  EXPECT_NE(again, before);
  EXPECT_TRUE(waiting->is_discarded) << "its slot is needed for whoever comes first";
  EXPECT_TRUE(queue_.has_slot());
  EXPECT_THAT(take_all(), ElementsAre(kFixed, 1, 2, 4));
}

TEST_F(LoadQueueTest, WithoutBlocksThereIsNothingToStart) {
  LoadQueue none({true, true}, 0, 0);
  EXPECT_THAT(none.take_unread(), IsNull());
}

TEST(Load, KeepsItsFirstError) {
  Load load(0);
  load.fail_with(nullptr);
  EXPECT_FALSE(load.is_dead());
  load.fail_with(std::make_exception_ptr(std::runtime_error("first")));
  load.fail_with(std::make_exception_ptr(std::runtime_error("second")));

  EXPECT_TRUE(load.is_dead());
  EXPECT_THAT([&] { std::rethrow_exception(load.error); },
              testing::ThrowsMessage<std::runtime_error>("first"));
}

}  // namespace
}  // namespace reel::memory
