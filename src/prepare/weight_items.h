// SPDX-License-Identifier: Apache-2.0
// What all preparers agree on: which items a model has, in what precision each is held, and how the
// bytes they were made from are summed up.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "core/packed_weights.h"
#include "memory/manifest.h"

namespace reel::prepare {

struct Precision {
  DType compute = DType::kF32;  // of activations and convolutions: kF32, kBF16 or kF16
  // Of the blocks' matrices: as compute, kI8 (rotated INT8) or kF8E4M3 (a scale per row).
  DType matrices = DType::kF32;
};

// Everything a model needs, as blocks of items, from its name table.
memory::Manifest make_manifest(const std::vector<checkpoint::NeededTensor>& needed);

// The precision a matrix item is held in.
DType matrix_dtype(const memory::WeightItem& item, const Precision& precision);

// Of one row part. [out, frames * in, rows, cols] is a convolution with a tap in time for each
// frame.
ConvShape conv_shape(const memory::WeightItem& item);

// Throws kNotFound naming the item and the checkpoint.
const checkpoint::StoredTensor& stored_tensor(const checkpoint::Component& component,
                                              const memory::WeightItem& item);

// Throws kBadFile when the bytes that were read are not those that the file's own digest is of.
void require_digest(const checkpoint::StoredTensor& stored, const std::string& digest);

// Digests of tensors' stored bytes, scales behind them. May be fed from several threads.
class TensorDigests {
 public:
  void set(const std::string& name, std::string digest);
  // A table that is read by rows counts with its type and shape alone.
  void set_table(const std::string& name, const checkpoint::StoredTensor& table);
  // XXH3-128 over names and digests, in the order of the names.
  std::string hex() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> digests_;
};

}  // namespace reel::prepare
