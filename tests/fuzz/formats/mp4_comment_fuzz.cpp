// SPDX-License-Identifier: Apache-2.0
// Any bytes as a clip whose recipe is asked for.
#include "formats/mp4_comment.h"

#include <reel/error.h>

#include <cstdlib>

#include "support/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static reel::test::MemoryFile memory;
  memory.write({reinterpret_cast<const char*>(data), size});
  try {
    const auto comment = reel::formats::read_mp4_comment(memory.path());
    if (comment && comment->size() > size) std::abort();
  } catch (const reel::Error&) {
  }
  return 0;
}
