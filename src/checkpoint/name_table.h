// SPDX-License-Identifier: Apache-2.0
// The tensors of a network as data: one row per weight, shared by binding, inspect and synth.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"

namespace reel::checkpoint {

enum class RowKind : uint8_t {
  kTensor,      // <name>
  kLinear,      // <name>.weight, <name>.bias
  kLinearWide,  // the same, never computed in 8 bits
  kLinearF32,   // the same, always computed in f32
  kMatrix,      // <name>.weight, no bias
  kConv,        // <name>.weight [out, in, taps, rows, cols], <name>.bias
  kConvBare,    // the same, no bias
  kTable,       // <name>.weight, read by rows
};

struct NameRow {
  int group;
  int role;
  const char* name;  // after the unit's prefix
  RowKind kind;
  const char* shape;  // of the weight: "[6 * dim, dim]"; the bias is its first extent
  int parts = 1;      // row parts that are computed separately
  // Of a convolution [out, frames * in, rows, cols] over frames put together, the newest first.
  int frames = 1;
};

constexpr int kFixedUnit = -1;  // used throughout a run
constexpr int kSetupUnit = -2;  // used before the first block alone

// A table under a prefix: "blocks.17." and the rows of a block. `block` is its index, or one of the
// two above.
struct NameUnit {
  std::string prefix;
  std::span<const NameRow> rows;
  int block = kFixedUnit;
};

// The numbers that the shapes' words stand for: {"dim", 5120}, ...
using Dims = std::map<std::string, int64_t, std::less<>>;

// "[6 * dim, dim]" with dims filled in. Throws kInternal for a word that is not in `dims`.
Shape parse_shape(std::string_view text, const Dims& dims);

// One tensor that the network needs under its full name.
struct NeededTensor {
  std::string name;
  Shape shape;
  const NameRow* row = nullptr;
  bool is_bias = false;
  int block = kFixedUnit;
};

std::vector<NeededTensor> needed_tensors(std::span<const NameUnit> units, const Dims& dims);

}  // namespace reel::checkpoint
