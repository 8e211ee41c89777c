// SPDX-License-Identifier: Apache-2.0
// A file that lives in memory, for tests that write thousands of them.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace reel::test {

class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("reel-test", MFD_CLOEXEC)) {}
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  // Replaces the content.
  void write(std::string_view bytes) {
    const bool is_written =
        ::ftruncate(descriptor_, 0) == 0 &&
        ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
    if (!is_written) std::abort();
  }

 private:
  int descriptor_;
};

}  // namespace reel::test
