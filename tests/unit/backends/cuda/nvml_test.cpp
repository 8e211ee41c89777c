// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/nvml.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace reel::cuda {
namespace {

constexpr const char* kBusId = "0000:65:00.0";

class NvmlTest : public testing::Test {
 protected:
  ~NvmlTest() override {
    for (const char* name : {"FAKE_NVML_INIT", "FAKE_NVML_OTHERS", "FAKE_NVML_HIDES_US",
                             "FAKE_NVML_OURS", "FAKE_NVML_NO_POWER"}) {
      unsetenv(name);
    }
  }
  static void set(const char* name, const char* value) { setenv(name, value, 1); }
  static std::unique_ptr<Nvml> open(const char* bus_id = kBusId) {
    return Nvml::open(bus_id, REEL_FAKE_NVML);
  }
};

TEST_F(NvmlTest, TellsWhatTheDriverCounts) {
  set("FAKE_NVML_OURS", "250");
  const auto nvml = open();
  ASSERT_NE(nvml, nullptr);

  ASSERT_TRUE(nvml->card());
  EXPECT_EQ(nvml->card()->used_bytes, 300u);
  EXPECT_EQ(nvml->card()->free_bytes, 700u);
  EXPECT_EQ(nvml->process_bytes(), 250u);
}

TEST_F(NvmlTest, FindsThisProcessBehindManyOthers) {
  set("FAKE_NVML_OURS", "250");
  set("FAKE_NVML_OTHERS", "100");

  EXPECT_EQ(open()->process_bytes(), 250u);
}

TEST_F(NvmlTest, SaysNothingWhereTheDriverDoesNotCountByProcess) {
  set("FAKE_NVML_OURS", "18446744073709551615");
  EXPECT_FALSE(open()->process_bytes());

  set("FAKE_NVML_OURS", "250");
  set("FAKE_NVML_OTHERS", "3");
  set("FAKE_NVML_HIDES_US", "1");
  EXPECT_FALSE(open()->process_bytes());
}

TEST_F(NvmlTest, TellsHowTheCardRuns) {
  const auto nvml = open();

  const auto link = nvml->link();
  ASSERT_TRUE(link);
  EXPECT_EQ(link->generation, 1);
  EXPECT_EQ(link->width, 4);
  EXPECT_EQ(link->most_generation, 4);
  EXPECT_EQ(link->most_width, 16);
  const auto power = nvml->power();
  ASSERT_TRUE(power);
  EXPECT_DOUBLE_EQ(power->draw_w, 55.5);
  EXPECT_DOUBLE_EQ(power->limit_w, 150);
  EXPECT_DOUBLE_EQ(power->default_limit_w, 200);
  const auto clocks = nvml->clocks();
  ASSERT_TRUE(clocks);
  EXPECT_EQ(clocks->sm_mhz, 210);
  EXPECT_EQ(clocks->most_sm_mhz, 3105);
  EXPECT_EQ(clocks->memory_mhz, 405);
  EXPECT_EQ(nvml->driver_release(), "550.54.15");
}

TEST_F(NvmlTest, LeavesOutWhatTheDriverDoesNotTell) {
  set("FAKE_NVML_NO_POWER", "3");

  EXPECT_FALSE(open()->power());
}

TEST_F(NvmlTest, CountsOtherPrograms) {
  set("FAKE_NVML_OTHERS", "3");

  const Nvml::Others others = open()->others();

  EXPECT_EQ(others.programs, 3);
  EXPECT_EQ(others.bytes, 15u);
}

TEST_F(NvmlTest, IsNullWithoutLibraryDriverOrCard) {
  EXPECT_EQ(Nvml::open(kBusId, "libthere-is-none.so.1"), nullptr);
  EXPECT_EQ(open("0000:01:00.0"), nullptr);
  set("FAKE_NVML_INIT", "9");
  EXPECT_EQ(open(), nullptr);
}

}  // namespace
}  // namespace reel::cuda
