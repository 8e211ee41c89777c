// SPDX-License-Identifier: Apache-2.0
// Any bytes as the index of a checkpoint in several files.
#include <reel/error.h>

#include <cstdlib>

#include "formats/safetensors.h"
#include "support/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static reel::test::MemoryFile memory;
  memory.write({reinterpret_cast<const char*>(data), size});
  try {
    const auto index = reel::formats::read_shard_index(memory.path());
    for (const auto& [name, file] : index.file_of) {
      if (file.find('/') != std::string::npos || file == "..") std::abort();
    }
  } catch (const reel::Error&) {
  }
  return 0;
}
