// SPDX-License-Identifier: Apache-2.0
#include "base/host_facts.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_folder.h"

namespace reel {
namespace {

class HostFactsTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }

  test::TempFolder root_;
};

TEST_F(HostFactsTest, ReadsWhatTheSystemTells) {
  write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU 3000 \nflags\t\t: fpu\n");
  write("proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n");
  write("proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
  write("etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");

  const HostFacts facts = host_facts(root_.path());

  EXPECT_EQ(facts.cpu, "Some CPU 3000");
  EXPECT_EQ(facts.kernel, "6.1.0-28-amd64");
  EXPECT_EQ(facts.system, "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(facts.memory_bytes, uint64_t{16384} << 10);
  EXPECT_FALSE(facts.is_wsl);
}

TEST_F(HostFactsTest, KnowsWslByItsKernel) {
  write("proc/sys/kernel/osrelease", "5.15.90.1-microsoft-standard-WSL2\n");

  EXPECT_TRUE(host_facts(root_.path()).is_wsl);
}

TEST_F(HostFactsTest, LeavesOutWhatIsNotTold) {
  write("proc/cpuinfo", "model name\t:\n");

  const HostFacts facts = host_facts(root_.path());

  EXPECT_EQ(facts.cpu, "");
  EXPECT_EQ(facts.system, "");
  EXPECT_EQ(facts.memory_bytes, 0u);
}

}  // namespace
}  // namespace reel
