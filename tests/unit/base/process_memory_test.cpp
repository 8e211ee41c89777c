// SPDX-License-Identifier: Apache-2.0
#include "base/process_memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "support/temp_folder.h"

namespace reel {
namespace {

// A made-up /proc.
class ProcessMemoryTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }

  test::TempFolder root_;
};

TEST_F(ProcessMemoryTest, IsReadFromTheKernelsLines) {
  write("proc/self/status",
        "Name:\treel\nVmHWM:\t    9000 kB\nVmRSS:\t    8000 kB\nRssAnon:\t    5000 kB\n"
        "RssFile:\t    2900 kB\nRssShmem:\t     100 kB\n");
  write("proc/self/io", "rchar: 77\nread_bytes: 40960\nwrite_bytes: 1\n");

  const auto memory = process_memory(root_.path());

  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->most_resident_bytes, uint64_t{9000} << 10);
  EXPECT_EQ(memory->private_bytes, uint64_t{5100} << 10);
  EXPECT_EQ(storage_bytes_read(root_.path()), 40960u);
}

TEST_F(ProcessMemoryTest, IsNothingWhereTheSystemDoesNotTell) {
  EXPECT_FALSE(process_memory(root_.path()));
  EXPECT_FALSE(storage_bytes_read(root_.path()));
  write("proc/self/status", "VmHWM:\t 9000 kB\nRssAnon:\tmany\n");
  EXPECT_FALSE(process_memory(root_.path()));
}

TEST(ProcessMemory, GrowsWithWhatIsTouched) {
  const auto before = process_memory();
  if (!before) GTEST_SKIP() << "this system does not tell";
  constexpr size_t kBytes = size_t{64} << 20;
  std::vector<char> block(kBytes);
  // Volatile: clang leaves out memory that nobody looks at.
  volatile char* const bytes = block.data();
  for (size_t at = 0; at < kBytes; at += 4096) bytes[at] = 1;

  EXPECT_GE(process_memory()->private_bytes, before->private_bytes + kBytes / 2);
}

}  // namespace
}  // namespace reel
