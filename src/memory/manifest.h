// SPDX-License-Identifier: Apache-2.0
// What a model needs: its weights, block by block, in the order of use.
#pragma once

#include <string>
#include <vector>

#include "core/shape.h"

namespace reel::memory {

enum class WeightKind {
  kTensor,      // used as f32 in its stored shape
  kMatrix,      // an operand of products in the precision chosen for matrices
  kMatrixWide,  // the same, never in 8 bits
  kMatrixF32,   // the same, always f32: small and sensitive
  kConv,        // a convolution in the compute precision
  kTable,       // read by rows, never held whole
};

struct WeightItem {
  std::string name;  // the model's own name
  WeightKind kind = WeightKind::kTensor;
  int parts = 1;  // row parts that are packed separately
  Shape shape;
  int frames = 1;  // whose channels a convolution takes together, the newest first
};

struct WeightBlock {
  std::string name;  // "block 17", for messages
  std::vector<WeightItem> items;
};

struct Manifest {
  WeightBlock fixed;
  WeightBlock setup;  // needed before the first block alone; may be empty
  std::vector<WeightBlock> blocks;
};

}  // namespace reel::memory
