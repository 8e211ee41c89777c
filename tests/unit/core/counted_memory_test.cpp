// SPDX-License-Identifier: Apache-2.0
#include "core/counted_memory.h"

#include <gtest/gtest.h>

#include <array>

#include "core/arena.h"
#include "core/buffer.h"

namespace reel {
namespace {

TEST(CountedMemory, CountsBuffersAndArenasByTag) {
  CountedMemory memory(host_memory());
  {
    const Buffer weights(memory, 1000, "weights");
    Arena arena("activations", memory);
    arena.reserve(500);
    EXPECT_EQ(memory.use().used_bytes(), 1500u);
  }

  EXPECT_EQ(memory.use().used_bytes(), 0u);
  EXPECT_EQ(memory.use().peak_bytes(), 1500u);
  EXPECT_EQ(memory.use().by_tag().at("weights").at_peak_bytes, 1000u);
  EXPECT_EQ(memory.use().by_tag().at("activations").at_peak_bytes, 500u);
}

TEST(CountedMemory, MovesBytesAsTheSpaceBelow) {
  CountedMemory memory(host_memory());
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
