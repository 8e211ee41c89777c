// SPDX-License-Identifier: Apache-2.0
#include "base/process_memory.h"

#include <fstream>
#include <string>

namespace reel {
namespace {

// Calls found(key, number) for every "key: number" line.
template <typename Found>
void for_each_field(const std::filesystem::path& path, Found found) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t digits = line.find_first_not_of(" \t", colon + 1);
    if (digits == std::string::npos || line[digits] < '0' || line[digits] > '9') continue;
    found(std::string_view(line).substr(0, colon), std::strtoull(&line[digits], nullptr, 10));
  }
}

}  // namespace

std::optional<ProcessMemory> process_memory(const std::filesystem::path& root) {
  std::optional<uint64_t> most_kib, anonymous_kib, shared_kib;
  for_each_field(root / "proc/self/status", [&](std::string_view key, uint64_t value) {
    if (key == "VmHWM") most_kib = value;
    if (key == "RssAnon") anonymous_kib = value;
    if (key == "RssShmem") shared_kib = value;
  });
  if (!most_kib || !anonymous_kib || !shared_kib) return std::nullopt;
  return ProcessMemory{.most_resident_bytes = *most_kib << 10,
                       .private_bytes = (*anonymous_kib + *shared_kib) << 10};
}

std::optional<uint64_t> storage_bytes_read(const std::filesystem::path& root) {
  std::optional<uint64_t> bytes;
  for_each_field(root / "proc/self/io", [&](std::string_view key, uint64_t value) {
    if (key == "read_bytes") bytes = value;
  });
  return bytes;
}

}  // namespace reel
