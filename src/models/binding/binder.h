// SPDX-License-Identifier: Apache-2.0
// Finds the weights of one unit by (group, role): the forward code spells no name.
#pragma once

#include <string>
#include <utility>

#include "checkpoint/name_table.h"
#include "memory/weight_source.h"
#include "nn/linear.h"

namespace reel::models {

struct ConvWeights {
  ConvView weight;
  TensorView bias;  // [out_channels] f32
};

// One unit's rows against the weights of its block. The views are as valid as the source's.
class Binder {
 public:
  Binder(const memory::WeightSource& source, const checkpoint::NameUnit& unit)
      : source_(source), unit_(unit) {}

  TensorView tensor(int group, int role) const;
  MatrixView matrix(int group, int role, int part = 0) const;
  // With its bias; `part` selects the rows of both.
  nn::Linear linear(int group, int role, int part = 0) const;
  ConvWeights conv(int group, int role, int part = 0) const;
  // Of a convolution without a bias.
  ConvView conv_view(int group, int role, int part = 0) const;
  bool has(int group, int role) const;
  // The full name of a row, ".weight" included where it has one.
  std::string name(int group, int role) const;

 private:
  const checkpoint::NameRow& row(int group, int role) const;
  TensorView bias(const checkpoint::NameRow& row, int part) const;

  const memory::WeightSource& source_;
  const checkpoint::NameUnit& unit_;
};

}  // namespace reel::models
