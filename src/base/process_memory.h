// SPDX-License-Identifier: Apache-2.0
// What the kernel says this process holds and has read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace reel {

struct ProcessMemory {
  uint64_t most_resident_bytes = 0;  // VmHWM: with mapped files, since the process began
  uint64_t private_bytes = 0;        // RssAnon + RssShmem now: heap, stacks, pinned, shared
};

// Nothing where the system does not tell. `root` is where proc is looked for, as below.
std::optional<ProcessMemory> process_memory(const std::filesystem::path& root = "/");

// What was fetched from storage for this process so far. Reads that the page cache answered are no
// part of it.
std::optional<uint64_t> storage_bytes_read(const std::filesystem::path& root = "/");

}  // namespace reel
