// SPDX-License-Identifier: Apache-2.0
#include "core/host_copy_engine.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

namespace reel {
namespace {

TEST(HostCopyEngine, HasCopiedOnReturn) {
  HostCopyEngine engine;
  std::byte* const pinned = engine.allocate_pinned(3, "test");
  std::array<std::byte, 3> to{};
  pinned[2] = std::byte{7};

  engine.copy_to_device(to.data(), pinned, 3);

  EXPECT_EQ(to[2], std::byte{7});
  to[2] = std::byte{8};
  engine.copy_to_host(pinned, to.data(), 3, {});
  EXPECT_EQ(pinned[2], std::byte{8});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(pinned) % 4096, 0u);
  engine.free_pinned(pinned);
}

TEST(HostCopyEngine, MeasuresTheTimeBetweenEvents) {
  HostCopyEngine engine;
  const OwnedEvent begin(engine);
  OwnedEvent end(engine);
  engine.record(begin, {});
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  engine.record(end, {});

  const OwnedEvent moved = std::move(end);

  EXPECT_TRUE(engine.has_passed(moved));
  EXPECT_GE(engine.seconds_between(begin, moved), 0.005);
}

}  // namespace
}  // namespace reel
