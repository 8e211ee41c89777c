// SPDX-License-Identifier: Apache-2.0
// The weights of a network without blocks.
#pragma once

#include "memory/weight_source.h"

namespace reel::test {

class FixedWeights : public memory::BlockSource {
 public:
  explicit FixedWeights(const memory::WeightSource& fixed) : fixed_(fixed) {}
  int blocks() const override { return 0; }
  const memory::WeightSource& fixed() override { return fixed_; }
  const memory::WeightSource& setup() override { return fixed_; }
  const memory::WeightSource& acquire(int, Stream) override { return fixed_; }

 private:
  const memory::WeightSource& fixed_;
};

}  // namespace reel::test
