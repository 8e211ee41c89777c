// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel {
namespace {

// The kernel moves at most 2 GiB a call.
constexpr uint64_t kMostPerCall = uint64_t{1} << 30;

std::string quoted(const std::filesystem::path& path) { return str_cat('"', path.string(), '"'); }

[[noreturn]] void fail_write(const std::filesystem::path& path, int error) {
  const char* hint =
      error == ENOSPC || error == EDQUOT ? "Free some space, or choose another folder with --out."
      : error == EFBIG ? "Files may not grow further here: see ulimit -f and the file system."
                       : "Choose another folder with --out.";
  fail(ErrorCode::kIo, str_cat("Cannot write ", quoted(path), ": ", std::strerror(error), '.'),
       hint);
}

// Values of InputFile::direct_descriptor_ below any descriptor.
constexpr int kNotOpened = -1;
constexpr int kRefused = -2;

int64_t change_time_ns(const struct stat& info) {
  return int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path)
    : path_(path), direct_descriptor_(kNotOpened) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) {
    const int error = errno;
    const auto code = error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
    fail(code, str_cat("Cannot open ", quoted(path), ": ", std::strerror(error), '.'));
  }
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor_);
    fail(ErrorCode::kIo, str_cat(quoted(path), " is not a regular file."));
  }
  size_bytes_ = static_cast<uint64_t>(info.st_size);
  changed_ns_ = change_time_ns(info);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      direct_descriptor_(other.direct_descriptor_.exchange(kNotOpened)),
      size_bytes_(other.size_bytes_),
      changed_ns_(other.changed_ns_) {}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (direct_descriptor_ >= 0) ::close(direct_descriptor_);
}

void InputFile::read_at(uint64_t offset_bytes, std::span<std::byte> out) const {
  uint64_t done = 0;
  while (done < out.size()) {
    const size_t want = std::min<uint64_t>(out.size() - done, kMostPerCall);
    const ssize_t got =
        ::pread(descriptor_, out.data() + done, want, static_cast<off_t>(offset_bytes + done));
    if (got < 0 && errno == EINTR) continue;
    REEL_REQUIRE(got >= 0, kIo,
                 str_cat("Cannot read ", quoted(path_), ": ", std::strerror(errno), '.'));
    REEL_REQUIRE(
        got > 0, kBadFile,
        str_cat(quoted(path_), " ends at byte ", with_commas(offset_bytes + done),
                " but bytes up to ", with_commas(offset_bytes + out.size()), " are needed."),
        "The download is incomplete, or the file changed while it was read.");
    done += static_cast<uint64_t>(got);
  }
}

size_t InputFile::read_into(std::span<std::byte> buffer, uint64_t offset_bytes, size_t size_bytes,
                            ReadMode mode) const {
  if (mode == ReadMode::kDirect && read_direct(buffer, offset_bytes, size_bytes)) {
    return offset_bytes % kDirectBytes;
  }
  read_at(offset_bytes, buffer.first(size_bytes));
  return 0;
}

int InputFile::direct_descriptor() const {
  int now = direct_descriptor_;
  if (now != kNotOpened) return now;
  // Through /proc: the same file, even when another stands under its name by now.
  const std::string same_file = str_cat("/proc/self/fd/", descriptor_);
  const int opened = ::open(same_file.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  if (direct_descriptor_.compare_exchange_strong(now, opened >= 0 ? opened : kRefused)) {
    return direct_descriptor_;
  }
  if (opened >= 0) ::close(opened);  // another thread was first
  return now;
}

// False when the bytes have to be read in the other way: the file system refuses, or there is
// trouble that read_at() will name.
bool InputFile::read_direct(std::span<std::byte> buffer, uint64_t offset_bytes,
                            size_t size_bytes) const {
  const int descriptor = direct_descriptor();
  if (descriptor < 0) return false;
  const size_t before = offset_bytes % kDirectBytes;
  const size_t needed = before + size_bytes;
  const size_t whole = (needed + kDirectBytes - 1) / kDirectBytes * kDirectBytes;
  size_t done = 0;
  while (done < needed) {
    const size_t from = done / kDirectBytes * kDirectBytes;  // after a short read: that block again
    const ssize_t got = ::pread(descriptor, buffer.data() + from, whole - from,
                                static_cast<off_t>(offset_bytes - before + from));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || from + static_cast<size_t>(got) <= done) return false;
    done = from + static_cast<size_t>(got);
  }
  return true;
}

void InputFile::require_unchanged() const {
  struct stat info {};
  const bool is_known = ::fstat(descriptor_, &info) == 0;
  REEL_REQUIRE(is_known, kIo,
               str_cat("Cannot read ", quoted(path_), ": ", std::strerror(errno), '.'));
  const auto size_bytes = static_cast<uint64_t>(info.st_size);
  REEL_REQUIRE(size_bytes == size_bytes_ && change_time_ns(info) == changed_ns_, kBadFile,
               str_cat(quoted(path_), " was changed while it was in use: it had ",
                       with_commas(size_bytes_), " bytes and has ", with_commas(size_bytes), '.'),
               "Start again with the finished file.");
}

std::string read_text_file(const std::filesystem::path& path, uint64_t most_bytes) {
  const InputFile file(path);
  REEL_REQUIRE(file.size_bytes() <= most_bytes, kBadFile,
               str_cat(quoted(path), " has ", with_commas(file.size_bytes()), " bytes; at most ",
                       with_commas(most_bytes), " are expected."));
  std::string text(file.size_bytes(), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

OutputFile::OutputFile(const std::filesystem::path& destination) : destination_(destination) {
  std::string name = (destination.parent_path() / ".").string();
  name += destination.filename().string() + ".part-XXXXXX";
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail_write(destination, errno);
  temporary_ = name;
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!committed_) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
  write_at(position_bytes_, bytes);
  position_bytes_ += bytes.size();
}

void OutputFile::write_at(uint64_t offset_bytes, std::span<const std::byte> bytes) {
  uint64_t done = 0;
  while (done < bytes.size()) {
    const size_t want = std::min<uint64_t>(bytes.size() - done, kMostPerCall);
    const ssize_t put =
        ::pwrite(descriptor_, bytes.data() + done, want, static_cast<off_t>(offset_bytes + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) fail_write(destination_, put < 0 ? errno : ENOSPC);
    done += static_cast<uint64_t>(put);
  }
}

void OutputFile::resize(uint64_t size_bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size_bytes)) != 0) {
    fail_write(destination_, errno);
  }
}

void OutputFile::commit() {
  // mkostemp makes files only their owner can read; outputs follow the umask like any other.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor_, 0666 & ~mask);
  const int closed = ::close(std::exchange(descriptor_, -1));
  if (closed != 0) fail_write(destination_, errno);
  if (::rename(temporary_.c_str(), destination_.c_str()) != 0) fail_write(destination_, errno);
  committed_ = true;
}

}  // namespace reel
