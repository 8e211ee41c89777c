// SPDX-License-Identifier: Apache-2.0
// What is here already, what is to be downloaded, and where it goes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/stop.h"
#include "hub/file_download.h"
#include "hub/hub_cache.h"
#include "hub/pull_record.h"
#include "hub/selection.h"

namespace reel::hub {

struct PlannedFile {
  const SelectedFile* selected = nullptr;
  enum class Source {
    kHere,   // at its place, or in the cache and only to be linked
    kCache,  // in the cache, to be copied to the folder
    kDownload,
  } source = Source::kDownload;
  std::optional<WantedFile> wanted;  // of a download
  bool was_downloaded = false;       // by an earlier pull()
};

struct PullPlan {
  std::filesystem::path folder;  // of the model
  bool has_links = false;        // into the cache; else the files are there
  std::vector<PlannedFile> files;
  std::optional<PullRecord> record;  // of an earlier pull()
};

// Where the model goes and whether as links. Throws kInvalidArgument for a folder of that name that
// pull() did not make.
PullPlan begin_plan(const PullRequest& request);

// Looks for every file. Throws kInvalidArgument for a file in a --local-dir that is another one.
void plan_files(PullPlan& plan, const Selection& selection, const PullRequest& request,
                const HubCache& cache, const HubApi& api, const StopFlag& stop);

// Throws kIo, with what is needed and what is free, per file system.
void require_free_space(const PullPlan& plan, const HubCache& cache);

}  // namespace reel::hub
