// SPDX-License-Identifier: Apache-2.0
#include "memory/arena_layout.h"

#include <gtest/gtest.h>

#include "core/arena.h"

namespace reel::memory {
namespace {

TEST(StackLayout, PutsTwoScopesThatFollowEachOtherInTheSamePlace) {
  ActivationLog log;
  {
    ActivationLog::Scope outer(log);
    outer.take("kept", DType::kF32, {32});  // 128 bytes
    {
      ActivationLog::Scope first(log);
      first.take("first", DType::kI8, {64});
    }
    ActivationLog::Scope second(log);
    second.take("second", DType::kI8, {320});
  }

  const ArenaLayout layout = stack_layout(log.activations());

  EXPECT_EQ(layout.offsets, (std::vector<uint64_t>{0, 128, 128}));
  EXPECT_EQ(layout.bytes, 128 + 320);
}

TEST(StackLayout, KeepsATensorThatOutlivesTheScopeAfterIt) {
  ActivationLog log;
  {
    ActivationLog::Scope outer(log);
    {
      ActivationLog::Scope inner(log);
      inner.take("inner", DType::kI8, {64});
    }
    outer.take("late", DType::kI8, {64});
    ActivationLog::Scope last(log);
    last.take("on top", DType::kI8, {64});
  }

  EXPECT_EQ(stack_layout(log.activations()).offsets, (std::vector<uint64_t>{0, 0, 64}));
  EXPECT_EQ(log.activations()[1].last_use, 2);
}

TEST(StackLayout, RoundsEveryTensorUpAsTheArenaDoes) {
  ActivationLog log;
  Arena arena("test");
  {
    ActivationLog::Scope scope(log);
    const Arena::Mark mark = arena.mark();
    for (const int64_t bytes : {1, 63, 64, 65, 1000}) {
      scope.take("odd", DType::kI8, {bytes});
      arena.take(static_cast<size_t>(bytes));
    }
    arena.release(mark);
  }

  EXPECT_EQ(stack_layout(log.activations()).bytes, arena.peak_bytes());
}

TEST(StackLayout, OfNothingIsEmpty) { EXPECT_EQ(stack_layout({}).bytes, 0u); }

}  // namespace
}  // namespace reel::memory
