// SPDX-License-Identifier: Apache-2.0
// "Give me weight X": resident or read at every use, the model cannot tell.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/packed_weights.h"
#include "core/tensor.h"

namespace reel::memory {

// The weights of one block, ready to compute with. Names are the model's own (Wan's). Views are
// valid as long as the source says.
//
// All throw kNotFound when the block has no such weight: the name table and the checkpoint were
// compared before, so this is a bug of the caller.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual bool has(std::string_view name) const = 0;
  // f32, in the stored shape.
  virtual TensorView tensor(std::string_view name) const = 0;
  // Row part `part` of the matrix (0 where it is not split).
  virtual MatrixView matrix(std::string_view name, int part = 0) const = 0;
  virtual ConvView conv(std::string_view name, int part = 0) const = 0;
  // Rows of a table that is never held whole: out[i] = table[ids[i]], f32 [ids, width].
  virtual void gather_rows(std::string_view name, std::span<const int32_t> ids,
                           const TensorView& out) const = 0;
};

// A model's weights, cut into the blocks it uses one after the other.
class BlockSource {
 public:
  virtual ~BlockSource() = default;

  virtual int blocks() const = 0;
  // What belongs to no block; valid as long as this object.
  virtual const WeightSource& fixed() = 0;
  // What is needed before the first block alone; valid until the next acquire(), which may free it.
  virtual const WeightSource& setup() = 0;
  // Block `index`, usable by work submitted to `stream` after this call, valid until the next
  // acquire(). Throws kBadFile when its file is damaged or has changed, kIo on a read error.
  virtual const WeightSource& acquire(int index, Stream stream) = 0;
};

}  // namespace reel::memory
