// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/requirements.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::cuda {
namespace {

constexpr auto kInsufficient = StartFailure::kInsufficientDriver;

TEST(Requirements, AMissingDriverNamesTheNeededOne) {
  EXPECT_REEL_ERROR(
      fail_to_start(kInsufficient, {"", "13.0"}, "", ""), kUnsupported,
      "No NVIDIA driver was found; driver 580 or newer (CUDA 13.0) is needed. Install");
  EXPECT_REEL_ERROR(fail_to_start(kInsufficient, {"", "12.8"}, "", ""), kUnsupported,
                    "driver 525 or newer (CUDA 12.8)");
  EXPECT_REEL_ERROR(fail_to_start(kInsufficient, {"", "14.1"}, "", ""), kUnsupported,
                    "; a driver for CUDA 14.1 is needed.");
}

TEST(Requirements, AnOldDriverIsNamedBesideTheNeededOne) {
  EXPECT_REEL_ERROR(
      fail_to_start(kInsufficient, {"12.4", "13.0"}, "550.54.15", ""), kUnsupported,
      "NVIDIA driver 550.54.15 runs CUDA up to 12.4; driver 580 or newer (CUDA 13.0) is "
      "needed. Update the driver");
  EXPECT_REEL_ERROR(fail_to_start(kInsufficient, {"12.4", "13.0"}, "", ""), kUnsupported,
                    "NVIDIA driver runs CUDA up to 12.4;");
}

TEST(Requirements, ADriverWithoutItsCudaLibraryIsNotCalledMissing) {
  EXPECT_REEL_ERROR(fail_to_start(kInsufficient, {"", "13.0"}, "580.65.06", ""), kUnsupported,
                    "NVIDIA driver 580.65.06 has no CUDA library here");
}

TEST(Requirements, OtherTroubleIsToldInCudasWords) {
  EXPECT_REEL_ERROR(fail_to_start(StartFailure::kNoDevice, {"13.0", "13.0"}, "", ""), kUnsupported,
                    "CUDA sees no GPU. Check CUDA_VISIBLE_DEVICES");
  EXPECT_REEL_ERROR(
      fail_to_start(StartFailure::kOther, {"13.0", "13.0"}, "", "initialization error"),
      kUnsupported, "CUDA does not start: initialization error.");
}

TEST(Requirements, AnOldCardIsNamedWithItsCapability) {
  EXPECT_REEL_ERROR(require_capability({.name = "NVIDIA GeForce RTX 2080", .major = 7, .minor = 5}),
                    kUnsupported,
                    "NVIDIA GeForce RTX 2080 has compute capability 7.5; 8.0 (Ampere) or newer is "
                    "needed. Use --device cpu.");
  require_capability({.name = "NVIDIA A100", .major = 8, .minor = 0});
  require_capability({.name = "NVIDIA GeForce RTX 5090", .major = 12, .minor = 0});
}

TEST(Requirements, ReadsTheDriversReleaseFromTheKernel) {
  EXPECT_EQ(
      parse_driver_release("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 "
                           "22:23:56 UTC 2024\nGCC version:  gcc version 12.2.0\n"),
      "550.54.15");
  EXPECT_EQ(
      parse_driver_release("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  "
                           "Release Build\n"),
      "580.65.06");
  EXPECT_EQ(parse_driver_release("NVRM version: NVIDIA UNIX x86_64 Kernel Module\n12.34\n"), "");
  EXPECT_EQ(parse_driver_release(""), "");
}

}  // namespace
}  // namespace reel::cuda
