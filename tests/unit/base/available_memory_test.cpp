// SPDX-License-Identifier: Apache-2.0
#include "base/available_memory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_folder.h"

namespace reel {
namespace {

// A made-up /proc and /sys.
class AvailableMemory : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  std::optional<uint64_t> answer() const { return available_memory_bytes(root_.path()); }

  test::TempFolder root_;
};

TEST_F(AvailableMemory, IsWhatTheKernelSaysWithoutACgroup) {
  write("proc/meminfo", "MemTotal:  64 kB\nMemFree:  10 kB\nMemAvailable:  48 kB\n");
  EXPECT_EQ(answer(), 48u << 10);
}

TEST_F(AvailableMemory, CountsACgroupsPageCacheAsFree) {
  write("proc/meminfo", "MemAvailable: 4096 kB\n");
  write("proc/self/cgroup", "0::/user/reel\n");
  write("sys/fs/cgroup/user/reel/memory.max", "1000\n");
  write("sys/fs/cgroup/user/reel/memory.current", "900\n");
  write("sys/fs/cgroup/user/reel/memory.stat", "anon 200\nactive_file 300\ninactive_file 400\n");
  EXPECT_EQ(answer(), 800u);  // 900 in use, of which 700 can be given up
}

TEST_F(AvailableMemory, FollowsTheTightestOfAllCgroupsAbove) {
  write("proc/meminfo", "MemAvailable: 4096 kB\n");
  write("proc/self/cgroup", "0::/user/reel\n");
  write("sys/fs/cgroup/user/memory.max", "500\n");
  write("sys/fs/cgroup/user/memory.current", "100\n");
  write("sys/fs/cgroup/user/reel/memory.max", "max\n");
  write("sys/fs/cgroup/user/reel/memory.current", "100\n");
  EXPECT_EQ(answer(), 400u);
}

TEST_F(AvailableMemory, ReadsCgroupsOfTheFirstVersion) {
  write("proc/meminfo", "MemAvailable: 4096 kB\n");
  write("proc/self/cgroup", "8:pids:/\n4:memory:/box\n0::/\n");
  write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "3000\n");
  write("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "2500\n");
  write("sys/fs/cgroup/memory/box/memory.stat", "total_inactive_file 100\n");
  EXPECT_EQ(answer(), 600u);
}

TEST_F(AvailableMemory, IsNothingWhereAGroupIsOverItsLimit) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", "10\n");
  write("sys/fs/cgroup/memory.current", "20\n");
  EXPECT_EQ(answer(), 0u);
}

TEST_F(AvailableMemory, IsNotKnownWhereNothingCanBeRead) { EXPECT_EQ(answer(), std::nullopt); }

TEST(AvailableMemoryHere, IsSomething) { EXPECT_GT(available_memory_bytes(), 0u); }

}  // namespace
}  // namespace reel
