// SPDX-License-Identifier: Apache-2.0
// How much of the host's memory this process could still use.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace reel {

// The least of MemAvailable and what every memory cgroup above this process leaves, its page cache
// counted as free: the kernel gives that up when asked. Nothing when none can be read. `root` is
// where proc and sys/fs/cgroup are looked for.
std::optional<uint64_t> available_memory_bytes(const std::filesystem::path& root = "/");

}  // namespace reel
