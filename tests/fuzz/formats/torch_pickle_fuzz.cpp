// SPDX-License-Identifier: Apache-2.0
// Any bytes as the pickle of a .pth file.
#include "formats/torch_pickle.h"

#include <reel/error.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    reel::formats::unpickle_tensors({reinterpret_cast<const std::byte*>(data), size}, "\"x.pth\"");
  } catch (const reel::Error&) {
  }
  return 0;
}
