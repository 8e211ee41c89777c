// SPDX-License-Identifier: Apache-2.0
#include "base/host_facts.h"

#include <fstream>
#include <string_view>

namespace reel {
namespace {

namespace fs = std::filesystem;

// What follows `key` and `separator` in the first line that begins with it, without quotes.
std::string value_of(const fs::path& path, std::string_view key, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t end = line.find(separator);
    if (end == std::string::npos) continue;
    const size_t begin = line.find_first_not_of(" \t\"", end + 1);
    if (begin == std::string::npos) return {};
    std::string value = line.substr(begin);
    while (!value.empty() && (value.back() == '"' || value.back() == ' ')) value.pop_back();
    return value;
  }
  return {};
}

}  // namespace

HostFacts host_facts(const fs::path& root) {
  HostFacts facts{.cpu = value_of(root / "proc/cpuinfo", "model name", ':'),
                  .system = value_of(root / "etc/os-release", "PRETTY_NAME", '=')};
  std::ifstream(root / "proc/sys/kernel/osrelease") >> facts.kernel;
  // WSL 2 names its kernel "5.15.90.1-microsoft-standard-WSL2", WSL 1 "4.4.0-19041-Microsoft".
  facts.is_wsl = facts.kernel.find("icrosoft") != std::string::npos;
  std::ifstream memory(root / "proc/meminfo");
  for (std::string word; memory >> word;) {
    uint64_t kib = 0;
    if (word == "MemTotal:" && memory >> kib) {
      facts.memory_bytes = kib << 10;
      break;
    }
  }
  return facts;
}

}  // namespace reel
