// SPDX-License-Identifier: Apache-2.0
#include "pipeline/devices.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::pipeline {
namespace {

using Names = std::vector<std::string>;

TEST(GpuIndex, IsReadFromTheName) {
  EXPECT_EQ(gpu_index("cpu"), -1);
  EXPECT_EQ(gpu_index("cuda:0"), 0);
  EXPECT_EQ(gpu_index("cuda:12"), 12);
  for (const char* name : {"tpu", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "CPU", ""}) {
    EXPECT_REEL_ERROR(gpu_index(name), kInvalidArgument, "auto, cpu and cuda:0 are possible");
  }
}

TEST(DeviceList, IsOneDeviceOrSeveralOfAKind) {
  EXPECT_EQ(device_list("auto"), Names{"auto"});
  EXPECT_EQ(device_list("cuda:1,cuda:0,cuda:2"), (Names{"cuda:1", "cuda:0", "cuda:2"}));
  EXPECT_EQ(device_list("cpu,cpu"), (Names{"cpu", "cpu"}));
  EXPECT_EQ(first_device("cuda:1,cuda:0"), "cuda:1");
}

TEST(DeviceList, RefusesWhatCannotWorkTogether) {
  for (const char* list : {"cuda:0,cuda:0", "cuda:0,cpu", "cpu,cuda:1", "cuda,cuda:0"}) {
    EXPECT_REEL_ERROR(device_list(list), kInvalidArgument, "several must be different GPUs");
  }
  for (const char* list : {"cpu,", ",", "cuda:0,tpu"}) {
    EXPECT_REEL_ERROR(device_list(list), kInvalidArgument, "auto, cpu and cuda:0 are possible");
  }
  EXPECT_REEL_ERROR(device_list("auto,cuda:1"), kInvalidArgument, "each needs its name");
  EXPECT_REEL_ERROR(device_list("cpu,cpu,cpu,cpu,cpu,cpu,cpu,cpu,cpu"), kInvalidArgument,
                    "names 9 devices; at most 8");
}

TEST(DeviceList, IsRefusedWhereOneDeviceRuns) {
  EXPECT_REEL_ERROR(gpu_index("cpu,cpu"), kInvalidArgument,
                    "device is \"cpu,cpu\"; this runs on one device.");
}

}  // namespace
}  // namespace reel::pipeline
