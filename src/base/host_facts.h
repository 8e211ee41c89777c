// SPDX-License-Identifier: Apache-2.0
// What kind of machine this process runs on, without anything that tells whose it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace reel {

struct HostFacts {
  std::string cpu;     // "AMD Ryzen 5 7600 6-Core Processor"; empty where it is not told
  std::string kernel;  // "6.1.0-28-amd64"
  std::string system;  // "Debian GNU/Linux 12 (bookworm)"
  // Windows Subsystem for Linux: its driver moves GPU memory to the host's when it runs short.
  bool is_wsl = false;
  uint64_t memory_bytes = 0;  // of the machine, or of the virtual one; 0 where it is not told
};

// `root` is where proc and etc are looked for.
HostFacts host_facts(const std::filesystem::path& root = "/");

}  // namespace reel
