// SPDX-License-Identifier: Apache-2.0
// The files of the jobs: named by number, so that nothing of a request is part of a path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "server/clip_maker.h"

namespace reel::server {

class ClipFolder {
 public:
  // Makes the folder, readable by its owner alone. Throws kIo.
  explicit ClipFolder(const std::filesystem::path& folder);

  std::filesystem::path job_list() const { return folder_ / "jobs.sqlite"; }
  ClipPlaces places(int64_t sequence) const;
  std::filesystem::path clip(int64_t sequence) const;
  std::filesystem::path preview(int64_t sequence, int step) const;

  void remove_clip(int64_t sequence) const;
  // Clip and previews.
  void remove_all(int64_t sequence) const;
  // Removes what belongs to no job that `is_kept`: left by a kill.
  void remove_strays(const std::function<bool(int64_t sequence)>& is_kept) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace reel::server
