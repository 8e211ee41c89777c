// SPDX-License-Identifier: Apache-2.0
#include "core/planned_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "core/buffer.h"
#include "support/expect_error.h"

namespace reel {
namespace {

TEST(PlannedMemory, NeverGivesMoreThanItsRegion) {
  PlannedMemory memory(host_memory(), 1 << 20, "the memory of the test");
  Buffer first(memory, 700 << 10, "first");

  EXPECT_REEL_ERROR(Buffer(memory, 400 << 10, "second"), kOutOfMemory, "second needs 400.0 KiB");
  first = {};
  EXPECT_NO_THROW(Buffer(memory, 1 << 20, "second"));
  EXPECT_EQ(memory.region().peak_bytes(), uint64_t{1} << 20);
}

TEST(PlannedMemory, AlignsAsAGpuDoes) {
  PlannedMemory memory(host_memory(), 1 << 16, "the memory of the test");
  for (int part = 0; part < 4; ++part) {
    const std::byte* const data = memory.allocate(1, "part");
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % RegionAllocator::kAlignment, 0u);
  }
}

TEST(PlannedMemory, MovesBytesAsTheSpaceBelow) {
  PlannedMemory memory(host_memory(), 1 << 12, "the memory of the test");
  const Buffer a(memory, 16, "a");
  const Buffer b(memory, 16, "b");
  const std::array<uint8_t, 4> sent{1, 2, 3, 4};
  std::array<uint8_t, 4> got{};

  memory.zero(a.data(), 16, {});
  memory.upload(a.data(), sent.data(), 3, {});
  memory.copy(b.data(), a.data(), 4, {});
  memory.download(got.data(), b.data(), 4, {});

  EXPECT_EQ(got, (std::array<uint8_t, 4>{1, 2, 3, 0}));
  EXPECT_TRUE(memory.is_host());
}

}  // namespace
}  // namespace reel
