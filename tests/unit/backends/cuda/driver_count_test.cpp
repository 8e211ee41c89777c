// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/driver_count.h"

#include <gtest/gtest.h>

#include "core/buffer.h"
#include "support/open_gpu.h"

namespace reel::cuda {
namespace {

constexpr uint64_t kBytes = uint64_t{512} << 20;

class DriverCountTest : public test::OnGpu {};

TEST_F(DriverCountTest, GrowsWithWhatIsAllocated) {
  const auto before = gpu().use();
  const auto free_before = gpu().free_bytes_if_known();
  ASSERT_TRUE(before && free_before);

  const Buffer held(memory(), kBytes, "the test");

  EXPECT_GE(gpu().use()->bytes, before->bytes + kBytes) << before->counted;
  EXPECT_LE(*gpu().free_bytes_if_known(), *free_before - kBytes);
}

}  // namespace
}  // namespace reel::cuda
