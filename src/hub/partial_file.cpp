// SPDX-License-Identifier: Apache-2.0
#include "hub/partial_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostMapBytes = uint64_t{8} << 20;

fs::path map_path(const fs::path& partial) { return partial.string() + ".parts"; }

uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::is_regular_file(path, error) ? fs::file_size(path, error) : 0;
  return error ? 0 : size;
}

// What an earlier attempt wrote down, if the bytes are there to go with it.
std::optional<PartMap> stored_map(const fs::path& partial, uint64_t size_bytes) {
  if (size_of(partial) != size_bytes || size_of(map_path(partial)) == 0) return std::nullopt;
  try {
    return PartMap::read(read_text_file(map_path(partial), kMostMapBytes), size_bytes);
  } catch (const Error&) {
    return std::nullopt;
  }
}

int open_lock(const fs::path& path, const std::string& name) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  REEL_REQUIRE(lock >= 0, kIo,
               str_cat("Cannot write \"", path.string(), "\": ", std::strerror(errno), '.'),
               "Choose another folder with --local-dir.");
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  const int error = errno;
  if (error != EWOULDBLOCK) return lock;  // a file system without locks
  ::close(lock);
  fail(ErrorCode::kBusy, str_cat("Another program is downloading \"", name, "\"."),
       "Wait until it is done, or end it.");
}

}  // namespace

uint64_t bytes_left_there(const PartialPlace& place, uint64_t size_bytes) {
  if (const auto map = stored_map(place.partial, size_bytes)) return map->done_bytes();
  const uint64_t prefix = place.prefix.empty() ? 0 : size_of(place.prefix);
  return prefix <= size_bytes ? prefix : 0;
}

PartialFile::PartialFile(PartialPlace place, uint64_t size_bytes, int connections)
    : place_(std::move(place)),
      map_(size_bytes, PartMap::good_part_bytes(size_bytes, connections)),
      lock_(open_lock(place_.lock, place_.name)) {
  std::error_code ignored;
  fs::create_directories(place_.partial.parent_path(), ignored);
  const auto stored = stored_map(place_.partial, size_bytes);
  const uint64_t prefix = stored || place_.prefix.empty() ? 0 : size_of(place_.prefix);
  if (stored) map_ = *stored;
  if (prefix > 0 && prefix <= size_bytes) {
    fs::rename(place_.prefix, place_.partial, ignored);
    if (!ignored) map_.set_prefix(prefix);
  }
  descriptor_ = ::open(place_.partial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(size_bytes)) != 0) {
    const int error = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    ::close(lock_);
    fail_write(error);
  }
}

PartialFile::~PartialFile() {
  if (map_.done_bytes() == 0 && !is_committed_) {
    std::error_code ignored;
    fs::remove(place_.partial, ignored);
    fs::remove(map_path(place_.partial), ignored);
  }
  ::close(descriptor_);
  ::close(lock_);
}

void PartialFile::fail_write(int error) const {
  fail(ErrorCode::kIo,
       str_cat("Cannot write \"", place_.destination.string(), "\": ", std::strerror(error), '.'),
       error == ENOSPC || error == EDQUOT ? "Free some space."
                                          : "Choose another folder with --local-dir.");
}

void PartialFile::append(size_t part, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto at = static_cast<off_t>(map_.begin(part) + map_.done(part));
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_write(written < 0 ? errno : EIO);
    map_.add(part, static_cast<uint64_t>(written));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void PartialFile::save() const {
  OutputFile file(map_path(place_.partial));
  file.write(map_.text());
  file.commit();
}

void PartialFile::discard(uint64_t part_bytes) {
  map_ = PartMap(map_.size_bytes(), part_bytes);
  std::error_code ignored;
  fs::remove(map_path(place_.partial), ignored);
}

void PartialFile::commit() {
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) fail_write(errno);
  std::error_code error;
  fs::create_directories(place_.destination.parent_path(), error);
  fs::rename(place_.partial, place_.destination, error);
  if (error) fail_write(error.value());
  is_committed_ = true;
  fs::remove(map_path(place_.partial), error);
}

}  // namespace reel::hub
