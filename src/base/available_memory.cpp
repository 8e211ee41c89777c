// SPDX-License-Identifier: Apache-2.0
#include "base/available_memory.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace reel {
namespace {

namespace fs = std::filesystem;

// The number behind `key` in a file of "key number" lines.
std::optional<uint64_t> field_of(const fs::path& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    uint64_t value = 0;
    if (word == key && file >> value) return value;
  }
  return std::nullopt;
}

// "max" is no limit.
std::optional<uint64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

// What the files of one kind of cgroup are called.
struct GroupFiles {
  const char *limit, *usage, *active_cache, *inactive_cache;
};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "active_file", "inactive_file"};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes",
                               "total_active_file", "total_inactive_file"};

uint64_t headroom_of(const fs::path& group, const GroupFiles& files) {
  const auto limit = number_in(group / files.limit);
  const auto usage = number_in(group / files.usage);
  if (!limit || !usage) return UINT64_MAX;
  const uint64_t cache = field_of(group / "memory.stat", files.active_cache).value_or(0) +
                         field_of(group / "memory.stat", files.inactive_cache).value_or(0);
  const uint64_t held = *usage - std::min(*usage, cache);
  return *limit - std::min(*limit, held);
}

// Of the group `name` below `mount` and of all above it.
uint64_t headroom_along(const fs::path& mount, const std::string& name, const GroupFiles& files) {
  uint64_t least = headroom_of(mount, files);
  fs::path group = mount;
  for (const fs::path& part : fs::path(name).relative_path()) {
    group /= part;
    least = std::min(least, headroom_of(group, files));
  }
  return least;
}

uint64_t cgroup_headroom(const fs::path& root) {
  const fs::path mount = root / "sys/fs/cgroup";
  uint64_t least = UINT64_MAX;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "4:memory:/name", "0::/name"
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string name = line.substr(second + 1);
    if (controllers.empty()) least = std::min(least, headroom_along(mount, name, kVersion2));
    if (controllers == "memory") {
      least = std::min(least, headroom_along(mount / "memory", name, kVersion1));
    }
  }
  return least;
}

}  // namespace

std::optional<uint64_t> available_memory_bytes(const fs::path& root) {
  const auto kib = field_of(root / "proc/meminfo", "MemAvailable:");
  const uint64_t available = kib ? *kib << 10 : UINT64_MAX;
  const uint64_t least = std::min(available, cgroup_headroom(root));
  return least == UINT64_MAX ? std::nullopt : std::optional(least);
}

}  // namespace reel
