// SPDX-License-Identifier: Apache-2.0
// Networks that are known by their tensors and not run here.
#pragma once

#include "formats/tensor_file.h"

namespace reel::checkpoint {

struct Stranger {
  const char* mark;  // a part of a tensor's name
  const char* what;  // "the DiT of HunyuanVideo"
  bool is_wan;       // shares names with what we run, and must be told apart from it
};

// Null for ours and for files of no known kind.
const Stranger* find_stranger(const formats::TensorFile& file);

}  // namespace reel::checkpoint
