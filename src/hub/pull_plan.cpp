// SPDX-License-Identifier: Apache-2.0
#include "hub/pull_plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "base/byte_units.h"
#include "base/error.h"
#include "hub/model_folders.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

// What is left free for the rest of the system.
constexpr uint64_t kSpareBytes = uint64_t{256} << 20;

fs::path existing_ancestor(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path.empty() ? fs::path(".") : path;
}

dev_t device_of(const fs::path& path) {
  struct stat info {};
  return ::stat(existing_ancestor(path).c_str(), &info) == 0 ? info.st_dev : 0;
}

// Where unfinished files of a --local-dir are, so that it holds nothing half done.
PartialPlace local_place(const fs::path& folder, const SelectedFile& selected) {
  const fs::path work = folder / ".reel";
  return {.name = selected.file.path,
          .partial = work / (selected.file.id.hex + ".incomplete"),
          .lock = work / (selected.file.id.hex + ".lock"),
          .destination = folder / selected.local_path,
          .prefix = {}};
}

class Planner {
 public:
  Planner(PullPlan& plan, const PullRequest& request, const HubCache& cache, const StopFlag& stop)
      : plan_(plan), request_(request), cache_(cache), stop_(stop) {}

  PlannedFile look(const SelectedFile& selected) const {
    PlannedFile planned{.selected = &selected};
    const RecordedFile* recorded = plan_.record ? plan_.record->find(selected.local_path) : nullptr;
    const bool is_same = recorded != nullptr && recorded->id == selected.file.id;
    planned.was_downloaded = is_same && recorded->was_downloaded;
    const auto blob = cache_.find(selected.listing->repository, selected.file);
    const bool is_in_cache = blob && is_right(*blob, selected, !request_.verify);
    if (plan_.has_links) {
      planned.source = is_in_cache ? PlannedFile::Source::kHere : PlannedFile::Source::kDownload;
    } else if (is_at_its_place(selected, is_same && !request_.verify)) {
      planned.source = PlannedFile::Source::kHere;
    } else if (is_in_cache) {
      planned.source = PlannedFile::Source::kCache;
    }
    return planned;
  }

 private:
  bool is_right(const fs::path& path, const SelectedFile& selected, bool is_trusted) const {
    return is_trusted || hash_file(path, selected.file.id.kind, stop_) == selected.file.id.hex;
  }

  bool is_at_its_place(const SelectedFile& selected, bool is_recorded) const {
    const fs::path path = plan_.folder / selected.local_path;
    std::error_code error;
    if (!fs::exists(path, error)) return false;
    const bool has_size =
        fs::is_regular_file(path, error) && fs::file_size(path, error) == selected.file.size_bytes;
    if (has_size && is_right(path, selected, is_recorded)) return true;
    REEL_REQUIRE(request_.overwrite || is_recorded, kInvalidArgument,
                 str_cat('"', path.string(), "\" is there and is not the published file."),
                 "Give another --local-dir, or --force to replace it.");
    return false;
  }

  PullPlan& plan_;
  const PullRequest& request_;
  const HubCache& cache_;
  const StopFlag& stop_;
};

}  // namespace

PullPlan begin_plan(const PullRequest& request) {
  PullPlan plan;
  plan.folder = request.local_dir.empty() ? search_folders()[0] / folder_name(request.model)
                                          : fs::path(request.local_dir);
  plan.folder = fs::absolute(plan.folder).lexically_normal();
  if (!plan.folder.has_filename()) plan.folder = plan.folder.parent_path();
  plan.record = read_record(plan.folder);
  plan.has_links = request.local_dir.empty() && !(plan.record && plan.record->cache.empty());
  std::error_code error;
  const bool is_foreign =
      request.local_dir.empty() && !plan.record && fs::exists(plan.folder, error);
  REEL_REQUIRE(!is_foreign, kInvalidArgument,
               str_cat('"', plan.folder.string(), "\" is there and was not made by reel pull."),
               "Rename it, or give --local-dir.");
  return plan;
}

void plan_files(PullPlan& plan, const Selection& selection, const PullRequest& request,
                const HubCache& cache, const HubApi& api, const StopFlag& stop) {
  const Planner planner(plan, request, cache, stop);
  for (const SelectedFile& selected : selection.files) {
    stop.check();
    PlannedFile planned = planner.look(selected);
    if (planned.source == PlannedFile::Source::kDownload) {
      const Listing& listing = *selected.listing;
      planned.wanted = {.name = selected.file.path,
                        .url = api.file_url(listing, selected.file.path),
                        .size_bytes = selected.file.size_bytes,
                        .id = selected.file.id,
                        .place = plan.has_links ? cache.place(listing.repository, selected.file)
                                                : local_place(plan.folder, selected)};
    }
    plan.files.push_back(std::move(planned));
  }
}

void require_free_space(const PullPlan& plan, const HubCache& cache) {
  struct Need {
    fs::path where;
    uint64_t bytes = 0;
  };
  std::map<dev_t, Need> needs;
  const auto add = [&](const fs::path& where, uint64_t bytes) {
    Need& need = needs[device_of(where)];
    if (need.where.empty()) need.where = existing_ancestor(where);
    need.bytes += bytes;
  };
  for (const PlannedFile& file : plan.files) {
    if (file.wanted) {
      const uint64_t size = file.wanted->size_bytes;
      add(file.wanted->place.partial, size - bytes_left_there(file.wanted->place, size));
    } else if (file.source == PlannedFile::Source::kCache &&
               device_of(plan.folder) != device_of(cache.folder())) {
      add(plan.folder, file.selected->file.size_bytes);
    }
  }
  for (const auto& [device, need] : needs) {
    std::error_code error;
    const uint64_t available = fs::space(need.where, error).available;
    REEL_REQUIRE(error || need.bytes == 0 || need.bytes + kSpareBytes <= available, kIo,
                 str_cat("The download needs ", format_bytes(need.bytes + kSpareBytes), " at \"",
                         need.where.string(), "\", where ", format_bytes(available), " are free."),
                 "Free some space, or choose another disk with --local-dir or HF_HUB_CACHE.");
  }
}

}  // namespace reel::hub
