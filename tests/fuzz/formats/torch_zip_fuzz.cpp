// SPDX-License-Identifier: Apache-2.0
// Any bytes as a .pth archive.
#include "formats/torch_zip.h"

#include "fuzz/formats/fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return reel::test::fuzz_tensor_file(data, size, [](const std::filesystem::path& path) {
    return reel::formats::open_torch_zip(reel::InputFile(path));
  });
}
