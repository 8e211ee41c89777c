// SPDX-License-Identifier: Apache-2.0
// Damages a small file in every simple way; a reader must refuse each copy with reel::Error, or
// answer entries that can be read.
#pragma once

#include <gtest/gtest.h>
#include <reel/error.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "formats/tensor_file.h"
#include "support/memory_file.h"

namespace reel::test {

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// "refused", or what the reader did wrong; "read" when it accepted the file and all was well.
inline std::string read_all_tensors(const std::filesystem::path& path) {
  try {
    const auto file = formats::open_tensor_file(path);
    for (const formats::TensorEntry& entry : file->entries()) {
      std::vector<std::byte> out(
          static_cast<size_t>(storage_bytes(entry.dtype, entry.shape.elements())));
      file->read(entry, out);
    }
    return "read";
  } catch (const Error&) {
    return "refused";
  } catch (const std::exception& error) {
    return std::string("threw something else: ") + error.what();
  }
}

// Every shorter copy of `bytes` is refused.
inline void expect_truncations_refused(const std::string& bytes) {
  MemoryFile file;
  for (size_t size = 0; size < bytes.size(); ++size) {
    file.write(bytes.substr(0, size));
    ASSERT_EQ(read_all_tensors(file.path()), "refused") << "cut to " << size << " bytes";
  }
}

// Every copy with one bit flipped is refused or read, never anything else. With `step` only every
// so many bits, to save time; an odd one reaches every place within a byte.
inline void expect_bit_flips_survived(const std::string& bytes, size_t step = 1) {
  MemoryFile file;
  for (size_t bit = 0; bit < bytes.size() * 8; bit += step) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    file.write(damaged);
    const std::string outcome = read_all_tensors(file.path());
    ASSERT_TRUE(outcome == "refused" || outcome == "read") << "bit " << bit << ": " << outcome;
  }
}

}  // namespace reel::test
