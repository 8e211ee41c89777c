// SPDX-License-Identifier: Apache-2.0
// The GPU that tests with the label `gpu` run on.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "backends/cuda/gpu.h"

namespace reel::test {

// Skips its tests where there is no GPU. The GPU is opened once.
class OnGpu : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (gpu_ == nullptr && !cuda::list_gpus().empty()) gpu_ = cuda::open_gpu(0);
  }
  void SetUp() override {
    if (gpu_ == nullptr) GTEST_SKIP() << "THERE IS NO GPU: nothing of this was tested.";
  }

  static cuda::Gpu& gpu() { return *gpu_; }
  static MemorySpace& memory() { return gpu_->memory(); }

 private:
  static inline std::unique_ptr<cuda::Gpu> gpu_;
};

}  // namespace reel::test
