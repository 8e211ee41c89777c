// SPDX-License-Identifier: Apache-2.0
#include "formats/slab_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/quoted.h"

namespace reel::formats {
namespace {

namespace fs = std::filesystem;

// What is written again at most after a kill.
constexpr uint64_t kUnsavedBytes = uint64_t{256} << 20;
constexpr uint64_t kMostJournalBytes = uint64_t{64} << 20;
constexpr const char* kJournalTitle = "reel convert 1";

uint64_t allocated_bytes(int descriptor) {
  struct stat info {};
  return ::fstat(descriptor, &info) == 0 ? static_cast<uint64_t>(info.st_blocks) * 512 : 0;
}

// False when the file was renamed or removed between its opening and its lock.
bool is_still_there(int descriptor, const fs::path& path) {
  struct stat mine {
  }, there{};
  return ::fstat(descriptor, &mine) == 0 && ::stat(path.c_str(), &there) == 0 &&
         mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

fs::path folder_of(const fs::path& path) {
  return path.parent_path().empty() ? fs::path(".") : path.parent_path();
}

}  // namespace

SlabWriter::SlabWriter(fs::path destination, const SlabPlan& plan)
    : destination_(std::move(destination)),
      partial_(destination_.string() + ".partial"),
      journal_(destination_.string() + ".partial.journal"),
      plan_(plan),
      digests_(plan.items().size()) {
  open();
  try {
    read_journal();
    require_space();
    reserve();
  } catch (...) {
    ::close(descriptor_);
    std::error_code ignored;
    if (std::ranges::all_of(digests_, &std::string::empty)) fs::remove(partial_, ignored);
    throw;
  }
}

SlabWriter::~SlabWriter() {
  try {
    if (!is_committed_) save();
  } catch (const std::exception&) {  // the disk is full: then it is written again
  }
  ::close(descriptor_);
  if (is_committed_ || !std::ranges::all_of(digests_, &std::string::empty)) return;
  std::error_code ignored;
  fs::remove(partial_, ignored);
  fs::remove(journal_, ignored);
}

void SlabWriter::open() {
  descriptor_ = ::open(partial_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0) fail_write(errno);
  const bool is_taken = ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (!is_taken && is_still_there(descriptor_, partial_)) return;
  ::close(descriptor_);
  fail(ErrorCode::kBusy, str_cat("Another program is writing ", quoted(destination_), '.'),
       "Wait until it is done, or end it.");
}

// Lines of an item's number and its digest.
void SlabWriter::read_journal() {
  std::error_code error;
  const bool is_whole = fs::file_size(partial_, error) == plan_.file_size_bytes() && !error;
  if (!is_whole || !fs::is_regular_file(journal_, error)) return;
  std::istringstream text(read_text_file(journal_, kMostJournalBytes));
  std::string line;
  if (!std::getline(text, line) || line != str_cat(kJournalTitle, ' ', plan_.digest())) return;
  size_t item = 0;
  for (std::string digest; text >> item >> digest && item < digests_.size();) {
    digests_[item] = digest;
  }
}

void SlabWriter::require_space() const {
  std::error_code error;
  const fs::space_info space = fs::space(folder_of(destination_), error);
  if (error) return;  // writing will tell
  const uint64_t there = std::min(allocated_bytes(descriptor_), plan_.file_size_bytes());
  const uint64_t needed = plan_.file_size_bytes() - there;
  REEL_REQUIRE(space.available >= needed, kIo,
               str_cat(quoted(folder_of(destination_)), " has ", format_bytes(space.available),
                       " free; the slab needs ", format_bytes(needed), '.'),
               "Free some space, or choose another folder with --out.");
}

// The file in its full length, in one piece where the file system can.
void SlabWriter::reserve() const {
  const auto size = static_cast<off_t>(plan_.file_size_bytes());
  if (::fallocate(descriptor_, 0, 0, size) != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
    fail_write(errno);
  }
  if (::ftruncate(descriptor_, size) != 0) fail_write(errno);
}

void SlabWriter::write(size_t item, uint64_t offset_bytes, std::span<const std::byte> bytes) {
  const SlabPlan::Place& place = plan_.items().at(item);
  REEL_REQUIRE(
      offset_bytes <= place.size_bytes() && bytes.size() <= place.size_bytes() - offset_bytes,
      kInternal, str_cat("the slab's item ", quoted_name(place.name), " got too many bytes"));
  const uint64_t before_scale =
      offset_bytes < place.tensor.size_bytes ? place.tensor.size_bytes - offset_bytes : 0;
  const auto of_tensor = bytes.first(std::min<uint64_t>(bytes.size(), before_scale));
  const auto of_scale = bytes.subspan(of_tensor.size());
  write_at(place.tensor.offset_bytes + offset_bytes, of_tensor);
  write_at(place.scale.offset_bytes + offset_bytes + of_tensor.size() - place.tensor.size_bytes,
           of_scale);
  unsaved_bytes_ += bytes.size();
}

void SlabWriter::finish(size_t item, std::string digest) {
  digests_.at(item) = std::move(digest);
  is_saved_ = false;
  if (unsaved_bytes_ >= kUnsavedBytes) save();
}

void SlabWriter::forget(size_t item) {
  digests_.at(item).clear();
  is_saved_ = false;
}

void SlabWriter::save() {
  if (is_saved_) return;
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) fail_write(errno);
  std::string text = str_cat(kJournalTitle, ' ', plan_.digest(), '\n');
  for (size_t item = 0; item < digests_.size(); ++item) {
    if (has(item)) text += str_cat(item, ' ', digests_[item], '\n');
  }
  OutputFile file(journal_);
  file.write(text);
  file.commit();
  is_saved_ = true;
  unsaved_bytes_ = 0;
}

void SlabWriter::commit() {
  REEL_REQUIRE(std::ranges::none_of(digests_, &std::string::empty), kInternal,
               "a slab lacks a tensor");
  const std::string header = plan_.header(digests_);
  write_at(0, std::as_bytes(std::span(header)));
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) fail_write(errno);
  std::error_code error;
  fs::rename(partial_, destination_, error);
  if (error) fail_write(error.value());
  is_committed_ = true;
  fs::remove(journal_, error);
  const int folder = ::open(folder_of(destination_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);  // the new name; where that cannot be, it comes with the next flush
  ::close(folder);
}

void SlabWriter::write_at(uint64_t offset_bytes, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset_bytes));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_write(written < 0 ? errno : ENOSPC);
    offset_bytes += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void SlabWriter::fail_write(int error) const {
  fail(ErrorCode::kIo,
       str_cat("Cannot write ", quoted(destination_), ": ", std::strerror(error), '.'),
       error == ENOSPC || error == EDQUOT ? "Free some space, or choose another folder with --out."
                                          : "Choose another folder with --out.");
}

}  // namespace reel::formats
