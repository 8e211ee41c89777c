// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets of file readers share: the input as a file, and a reader that must end in
// reel::Error or in tensors that can be read.
#pragma once

#include <reel/error.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/tensor_file.h"
#include "support/memory_file.h"

namespace reel::test {

// Calls `open`, which answers a pointer to a TensorFile, with the path of a file of these bytes.
template <typename Open>
int fuzz_tensor_file(const uint8_t* data, size_t size, Open open) {
  static MemoryFile memory;
  memory.write({reinterpret_cast<const char*>(data), size});
  try {
    const auto file = open(memory.path());
    for (const formats::TensorEntry& entry : file->entries()) {
      std::vector<std::byte> out(
          static_cast<size_t>(storage_bytes(entry.dtype, entry.shape.elements())));
      file->read(entry, out);
    }
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace reel::test
