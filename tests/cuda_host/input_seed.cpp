// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "cuda_host/machine.h"

namespace reel::cuda_host {

uint64_t input_seed() {
  static std::map<std::string, uint64_t> asked;
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string name = std::string(test->test_suite_name()) + "." + test->name();
  return seed() ^ std::hash<std::string>{}(name) ^ ++asked[name] << 32;
}

}  // namespace reel::cuda_host
