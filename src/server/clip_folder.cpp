// SPDX-License-Identifier: Apache-2.0
#include "server/clip_folder.h"

#include <charconv>
#include <string>
#include <vector>

#include "base/error.h"

namespace reel::server {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  REEL_REQUIRE(!error, kIo,
               str_cat("Cannot make the folder \"", folder.string(), "\": ", error.message(), '.'),
               "Choose another one with --data.");
}

// "12.mp4" and "12": 12. 0 for what is no name of ours.
int64_t sequence_of(const fs::path& file) {
  const std::string name = file.stem().string();
  int64_t sequence = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), sequence);
  return parsed.ec == std::errc() && parsed.ptr == name.data() + name.size() ? sequence : 0;
}

}  // namespace

ClipFolder::ClipFolder(const fs::path& folder) : folder_(fs::absolute(folder)) {
  make_folder(folder_);
  make_folder(folder_ / "clips");
  make_folder(folder_ / "previews");
}

fs::path ClipFolder::clip(int64_t sequence) const {
  return folder_ / "clips" / str_cat(sequence, ".mp4");
}

fs::path ClipFolder::preview(int64_t sequence, int step) const {
  return folder_ / "previews" / std::to_string(sequence) / str_cat("step-", step, ".png");
}

ClipPlaces ClipFolder::places(int64_t sequence) const {
  return {.clip = clip(sequence).string(),
          .previews = (folder_ / "previews" / std::to_string(sequence)).string()};
}

void ClipFolder::remove_clip(int64_t sequence) const {
  std::error_code ignored;
  fs::remove(clip(sequence), ignored);
}

void ClipFolder::remove_all(int64_t sequence) const {
  remove_clip(sequence);
  std::error_code ignored;
  fs::remove_all(places(sequence).previews, ignored);
}

void ClipFolder::remove_strays(const std::function<bool(int64_t sequence)>& is_kept) const {
  std::vector<fs::path> strays;
  std::error_code error;
  for (const char* part : {"clips", "previews"}) {
    for (const auto& entry : fs::directory_iterator(folder_ / part, error)) {
      const int64_t sequence = sequence_of(entry.path());
      if (sequence == 0 || !is_kept(sequence)) strays.push_back(entry.path());
    }
  }
  for (const fs::path& stray : strays) fs::remove_all(stray, error);
}

}  // namespace reel::server
