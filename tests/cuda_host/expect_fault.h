// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>

#include "cuda_host/machine.h"

// The statement throws a KernelFault whose message all matchers match.
#define EXPECT_FAULT(statement, ...) \
  EXPECT_THAT([&] { statement; },    \
              testing::ThrowsMessage<reel::cuda_host::KernelFault>(testing::AllOf(__VA_ARGS__)))
