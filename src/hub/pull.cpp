// SPDX-License-Identifier: Apache-2.0
// The story of a download: which files, what is here, is there room, fetch, put in place.
#include <reel/hub.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/byte_units.h"
#include "base/error.h"
#include "base/file.h"
#include "hub/catalogue.h"
#include "hub/download.h"
#include "hub/model_folders.h"
#include "hub/pull_plan.h"
#include "hub/rate_meter.h"
#include "hub/remove.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;
using Source = PlannedFile::Source;

DownloadWatcher shown_to(const PullWatcher& watch) {
  if (!watch) return {};
  const auto start = std::chrono::steady_clock::now();
  return [&watch, start, meter = RateMeter()](const DownloadProgress& now) mutable {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    meter.add(seconds.count(), now.fetched_bytes);
    watch({.file = now.file,
           .files_done = now.files_done,
           .files = now.files,
           .done_bytes = now.done_bytes,
           .total_bytes = now.total_bytes,
           .bytes_per_second = meter.bytes_per_second(),
           .remaining_s = meter.seconds_for(now.total_bytes - now.done_bytes),
           .is_checking = now.is_checking});
  };
}

// A second name for the same bytes where the file system allows it, else a copy.
void copy_from_cache(const fs::path& blob, const fs::path& to, const StopFlag& stop) {
  constexpr uint64_t kChunkBytes = uint64_t{4} << 20;
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  fs::remove(to, error);
  fs::create_hard_link(blob, to, error);
  if (!error) return;
  const InputFile from(blob);
  OutputFile file(to);
  std::vector<std::byte> chunk(std::min(kChunkBytes, from.size_bytes()));
  for (uint64_t at = 0; at < from.size_bytes(); at += kChunkBytes) {
    stop.check();
    const auto part = std::span(chunk).first(std::min(kChunkBytes, from.size_bytes() - at));
    from.read_at(at, part);
    file.write(part);
  }
  file.commit();
}

void link_to_cache(const fs::path& target, const fs::path& link) {
  std::error_code error;
  fs::create_directories(link.parent_path(), error);
  if (fs::is_symlink(link, error) && fs::read_symlink(link, error) == target) return;
  fs::remove(link, error);
  fs::create_symlink(target, link, error);
  REEL_REQUIRE(!error, kIo, str_cat("Cannot link \"", link.string(), "\": ", error.message(), '.'),
               "On a file system without links give --local-dir.");
}

RecordedFile recorded(const PlannedFile& file) {
  const SelectedFile& selected = *file.selected;
  return {.path = selected.local_path,
          .repository = selected.listing->repository,
          .commit = selected.listing->commit,
          .remote_path = selected.file.path,
          .size_bytes = selected.file.size_bytes,
          .id = selected.file.id,
          .was_downloaded = file.was_downloaded || file.wanted.has_value()};
}

// Everything is here: makes it one folder.
void put_in_place(const PullPlan& plan, const PullRequest& request, const HubCache& cache,
                  const StopFlag& stop) {
  std::error_code error;
  fs::create_directories(plan.folder, error);
  REEL_REQUIRE(!error, kIo,
               str_cat("Cannot make \"", plan.folder.string(), "\": ", error.message(), '.'),
               "Choose another folder with --local-dir.");
  PullRecord record{
      .model = request.model, .cache = plan.has_links ? cache.folder() : fs::path(), .files = {}};
  for (const PlannedFile& file : plan.files) {
    const SelectedFile& selected = *file.selected;
    const fs::path local = plan.folder / selected.local_path;
    if (plan.has_links) {
      link_to_cache(cache.add_to_snapshot(*selected.listing, selected.file), local);
    } else if (file.source == Source::kCache) {
      copy_from_cache(cache.blob(selected.listing->repository, selected.file.id), local, stop);
    }
    record.files.push_back(recorded(file));
  }
  // What earlier pulls of other files of the repository brought.
  if (plan.record) {
    for (const RecordedFile& file : plan.record->files) {
      if (record.find(file.path) == nullptr) record.files.push_back(file);
    }
  }
  if (plan.has_links) keep_ownership(record);
  write_record(plan.folder, record);
  fs::remove_all(plan.folder / ".reel", error);
}

PullResult result_of(const PullPlan& plan) {
  PullResult result{.folder = plan.folder.string(), .files = {}};
  for (const PlannedFile& file : plan.files) {
    result.files.push_back({.path = file.selected->local_path,
                            .repository = file.selected->listing->repository,
                            .size_bytes = file.selected->file.size_bytes,
                            .was_here = !file.wanted.has_value()});
    result.total_bytes += file.selected->file.size_bytes;
    if (file.wanted) result.downloaded_bytes += file.selected->file.size_bytes;
  }
  return result;
}

// Each blob once, though several names may want it.
std::vector<WantedFile> wanted_files(const PullPlan& plan) {
  std::vector<WantedFile> wanted;
  for (const PlannedFile& file : plan.files) {
    const auto has_place = [&](const WantedFile& other) {
      return other.place.partial == file.wanted->place.partial;
    };
    if (file.wanted && std::ranges::none_of(wanted, has_place)) wanted.push_back(*file.wanted);
  }
  return wanted;
}

PullResult pull_model(const PullRequest& request, Progress& progress, const PullWatcher& watch) {
  REEL_REQUIRE(request.timeout_s >= 1 && request.timeout_s <= 3600, kInvalidArgument,
               str_cat("timeout is ", request.timeout_s, "; 1 to 3600 seconds are possible."));
  REEL_REQUIRE(request.connections >= 1 && request.connections <= 64, kInvalidArgument,
               str_cat("connections is ", request.connections, "; 1 to 64 are possible."));
  const StopFlag stop(progress.stop_requested);
  const HubSettings settings = hub_settings();
  const HubCache cache(settings.cache);
  PullPlan plan = begin_plan(request);

  HttpClient http({.stall_seconds = request.timeout_s, .certificates = settings.certificates});
  const DownloadOptions options{
      .connections = request.connections, .retry = {}, .token = settings.token};
  // Whoever has no network is told so soon.
  HubApi api(http, settings, {.attempts = 3}, stop);
  const Selection selection = select_files(request, api);

  plan_files(plan, selection, request, cache, api, stop);
  PullResult result = result_of(plan);
  if (request.dry_run) return result;
  require_free_space(plan, cache);

  const std::vector<WantedFile> wanted = wanted_files(plan);
  result.downloaded_bytes = download(http, wanted, options, stop, shown_to(watch));
  for (const auto& entry : selection.listings) {
    const Listing* listing = &entry.second;
    const bool is_used = std::ranges::any_of(
        selection.files, [&](const SelectedFile& file) { return file.listing == listing; });
    if (plan.has_links && is_used) cache.set_revision(*listing);
  }
  put_in_place(plan, request, cache, stop);
  return result;
}

}  // namespace
}  // namespace reel::hub

namespace reel {

std::vector<CatalogueModel> catalogue() {
  std::vector<CatalogueModel> models;
  for (const hub::CatalogueEntry& entry : hub::catalogue_entries()) {
    models.push_back(
        {.name = entry.name, .summary = entry.summary, .about_bytes = entry.about_bytes});
  }
  return models;
}

PullResult pull(const PullRequest& request, Progress& progress, const PullWatcher& watch) {
  return hub::pull_model(request, progress, watch);
}

}  // namespace reel
