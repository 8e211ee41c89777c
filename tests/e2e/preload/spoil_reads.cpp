// SPDX-License-Identifier: Apache-2.0
// Preloaded (LD_PRELOAD), it lets reads of some files go wrong in a program that knows nothing of
// it.
//
//   REEL_SPOIL_FILE   part of the paths that are spoiled
//   REEL_SPOIL_HOW    "error": reads end with EIO; "short": they bring less than was asked for
//   REEL_SPOIL_WHEN   a file; reads go wrong from the moment it exists
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

// A multiple of what direct reads are aligned to.
constexpr size_t kShortBytes = 15 * 4096;

using Read = ssize_t (*)(int, void*, size_t, off_t);

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

bool is_spoiled(int descriptor) {
  static const std::string part = variable("REEL_SPOIL_FILE");
  static const std::string when = variable("REEL_SPOIL_WHEN");
  if (part.empty() || ::access(when.c_str(), F_OK) != 0) return false;
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  char path[4096];
  const ssize_t size = ::readlink(link.c_str(), path, sizeof path);
  return size > 0 && std::string(path, static_cast<size_t>(size)).find(part) != std::string::npos;
}

ssize_t read_at(int descriptor, void* to, size_t size_bytes, off_t offset) {
  static const auto real = reinterpret_cast<Read>(::dlsym(RTLD_NEXT, "pread64"));
  static const bool is_error = variable("REEL_SPOIL_HOW") == "error";
  if (!is_spoiled(descriptor)) return real(descriptor, to, size_bytes, offset);
  if (!is_error) return real(descriptor, to, std::min(size_bytes, kShortBytes), offset);
  errno = EIO;
  return -1;
}

}  // namespace

extern "C" {

ssize_t pread(int descriptor, void* to, size_t size_bytes, off_t offset) {
  return read_at(descriptor, to, size_bytes, offset);
}

ssize_t pread64(int descriptor, void* to, size_t size_bytes, off_t offset) {
  return read_at(descriptor, to, size_bytes, offset);
}
}
