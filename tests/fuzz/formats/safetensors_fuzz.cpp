// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file. What begins like a slab gets a header digest that is right: the
// fuzzer would not find one, and nothing behind the comparison would be reached.
#include "formats/safetensors.h"

#include <algorithm>
#include <string>

#include "formats/slab.h"
#include "formats/slab_check.h"
#include "fuzz/formats/fuzz_file.h"

namespace {

std::string sealed(std::string bytes) {
  constexpr size_t kLengthBytes = 8, kDigestLetters = 32;
  const std::string start = "{\"__metadata__\":{\"reel.slab\":\"1 ";
  const size_t digest = kLengthBytes + start.size();
  if (bytes.size() < digest + kDigestLetters || bytes.compare(kLengthBytes, start.size(), start)) {
    return bytes;
  }
  uint64_t header_bytes = 0;
  for (size_t at = kLengthBytes; at-- > 0;) {
    header_bytes = header_bytes << 8 | static_cast<uint8_t>(bytes[at]);
  }
  header_bytes = std::min<uint64_t>(header_bytes, bytes.size() - kLengthBytes);
  if (header_bytes < start.size() + kDigestLetters) return bytes;
  bytes.replace(digest, kDigestLetters, kDigestLetters, '0');
  const std::string record = reel::formats::slab_record(bytes.substr(kLengthBytes, header_bytes));
  return bytes.replace(digest, kDigestLetters, record.substr(2));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes = sealed({reinterpret_cast<const char*>(data), size});
  return reel::test::fuzz_tensor_file(
      reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), [](const auto& path) {
        auto file = reel::formats::open_safetensors(reel::InputFile(path));
        if (reel::formats::is_slab(*file)) reel::formats::slab_items(*file);
        return file;
      });
}
