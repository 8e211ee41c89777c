// SPDX-License-Identifier: Apache-2.0
// Preloaded (LD_PRELOAD), it lets reads of some files go wrong in a program that knows nothing of
// it.
//
//   REEL_SPOIL_FILE   part of the paths that are spoiled
//   REEL_SPOIL_HOW    "error": reads end with EIO; "short": they bring less than was asked for;
//                     "not": they are only watched
//   REEL_SPOIL_WHEN   a file; reads go wrong from the moment it exists
//   REEL_SPOIL_MET    where the moment is written at which the program met the fault first: a read
//                     that ended with EIO, or one of a file, or a look at its size, that had become
//                     smaller. Seconds of the monotonic clock. May be left out
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
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

bool is_named(int descriptor) {
  static const std::string part = variable("REEL_SPOIL_FILE");
  if (part.empty()) return false;
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  char path[4096];
  const ssize_t size = ::readlink(link.c_str(), path, sizeof path);
  return size > 0 && std::string(path, static_cast<size_t>(size)).find(part) != std::string::npos;
}

bool is_spoiled(int descriptor) {
  static const std::string when = variable("REEL_SPOIL_WHEN");
  return ::access(when.c_str(), F_OK) == 0 && is_named(descriptor);
}

void note_moment() {
  static std::atomic<bool> is_noted{false};
  const std::string path = variable("REEL_SPOIL_MET");
  if (path.empty() || is_noted.exchange(true)) return;
  const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
  const std::string text = std::to_string(now.count());
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0) return;
  if (::write(file, text.data(), text.size()) < 0) std::perror("spoil_reads");
  ::close(file);
}

using Stat = int (*)(int, struct stat*);

int real_fstat(int descriptor, struct stat* into) {
  static const auto real = reinterpret_cast<Stat>(::dlsym(RTLD_NEXT, "fstat64"));
  return real(descriptor, into);
}

// Of all files that are spoiled together: a test spoils one.
bool has_shrunk(const struct stat& now) {
  static std::atomic<off_t> largest{0};
  off_t before = largest.load();
  while (now.st_size > before && !largest.compare_exchange_weak(before, now.st_size)) {
  }
  return now.st_size < before;
}

int fstat_of(int descriptor, struct stat* into) {
  const int result = real_fstat(descriptor, into);
  if (result == 0 && is_named(descriptor) && has_shrunk(*into)) note_moment();
  return result;
}

ssize_t read_at(int descriptor, void* to, size_t size_bytes, off_t offset) {
  static const auto real = reinterpret_cast<Read>(::dlsym(RTLD_NEXT, "pread64"));
  static const std::string how = variable("REEL_SPOIL_HOW");
  if (!is_spoiled(descriptor)) return real(descriptor, to, size_bytes, offset);
  if (how == "error") {
    note_moment();
    errno = EIO;
    return -1;
  }
  if (how == "short") return real(descriptor, to, std::min(size_bytes, kShortBytes), offset);
  struct stat now {};
  fstat_of(descriptor, &now);
  return real(descriptor, to, size_bytes, offset);
}

}  // namespace

extern "C" {

ssize_t pread(int descriptor, void* to, size_t size_bytes, off_t offset) {
  return read_at(descriptor, to, size_bytes, offset);
}

ssize_t pread64(int descriptor, void* to, size_t size_bytes, off_t offset) {
  return read_at(descriptor, to, size_bytes, offset);
}

int fstat(int descriptor, struct stat* into) { return fstat_of(descriptor, into); }

int fstat64(int descriptor, struct stat64* into) {
  return fstat_of(descriptor, reinterpret_cast<struct stat*>(into));
}
}
