// SPDX-License-Identifier: Apache-2.0
// Reads the pickle inside a .pth file: the names and layouts of its tensors. Runs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"

namespace reel::formats {

// A tensor as the pickle describes it; nothing in it has been checked against the archive.
struct PickledTensor {
  std::string name;
  DType dtype = DType::kF32;
  std::string storage_key;     // the archive's "data/<key>"
  uint64_t storage_bytes = 0;  // of the whole storage, which several tensors may share
  int64_t offset_elements = 0;
  std::vector<int64_t> extents;
  std::vector<int64_t> strides;
};

// The tensors of a state dict: {"name": tensor, ...}, also one level down under a usual key
// such as "model_state". Values that are no tensors are passed over.
//
// `who` opens every message. A pickle is a program for a stack machine; of its instructions only
// those that build plain values are known here, and of the functions that it may ask for only
// PyTorch's own that make tensors. Anything else throws kBadFile and is named.
// Source: cpython Lib/pickletools.py; pytorch torch/_utils.py and torch/_weights_only_unpickler.py.
std::vector<PickledTensor> unpickle_tensors(std::span<const std::byte> pickle,
                                            const std::string& who);

}  // namespace reel::formats
