// SPDX-License-Identifier: Apache-2.0
#include "hub/remove.h"

#include <reel/hub.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "hub/hub_cache.h"
#include "hub/installed.h"
#include "hub/model_folders.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

bool is_same_blob(const RecordedFile& one, const RecordedFile& other) {
  return one.repository == other.repository && one.id == other.id;
}

// Records of the models on the search path, but for the one in `except`.
std::vector<PullRecord> other_records(const fs::path& except) {
  std::vector<PullRecord> records;
  for (const fs::path& path : model_paths()) {
    if (path == except) continue;
    if (auto record = read_record(path)) records.push_back(*std::move(record));
  }
  return records;
}

bool is_used_by(const std::vector<PullRecord>& records, const RecordedFile& file) {
  return std::ranges::any_of(records, [&](const PullRecord& record) {
    return !record.cache.empty() &&
           std::ranges::any_of(
               record.files, [&](const RecordedFile& other) { return is_same_blob(file, other); });
  });
}

// What convert() made below a folder: the only files that it may have added to what pull() did.
uint64_t remove_slabs(const std::vector<std::string>& slabs) {
  uint64_t freed = 0;
  for (const std::string& slab : slabs) {
    std::error_code error;
    const uint64_t size = fs::is_symlink(slab, error) ? 0 : fs::file_size(slab, error);
    if (fs::remove(slab, error)) freed += size;
  }
  return freed;
}

// Below a folder of pull()'s: what it recorded. Whatever else is there stays.
uint64_t remove_pulled(const fs::path& folder, const PullRecord& record) {
  const std::vector<PullRecord> others = other_records(folder);
  uint64_t freed = 0;
  for (const RecordedFile& file : record.files) {
    std::error_code error;
    const fs::path path = folder / file.path;
    const bool is_link = fs::is_symlink(path, error);
    const bool is_last_name = !is_link && fs::hard_link_count(path, error) == 1;
    if (is_link != !record.cache.empty()) continue;  // not what pull() put there
    if (remove_below(folder, file.path) && is_last_name) freed += file.size_bytes;
    if (record.cache.empty() || !file.was_downloaded || is_used_by(others, file)) continue;
    freed += HubCache(record.cache).remove(file.repository, file.commit, file.remote_path, file.id);
  }
  remove_below(folder, kRecordName);
  std::error_code error;
  fs::remove(folder, error);  // when nothing else is in it
  return freed;
}

InstalledModel installed(const std::string& name) {
  const std::vector<InstalledModel> all = installed_models();
  for (const std::string& wanted : {name, folder_name(name)}) {
    const auto found = std::ranges::find(all, wanted, &InstalledModel::name);
    if (found != all.end()) return *found;
  }
  fail(ErrorCode::kNotFound, str_cat("There is no model \"", printable(name), "\" here."),
       "reel models list shows which there are.");
}

// Regular files below a folder and their sizes; links count nothing.
void add_tree(const fs::path& folder, ModelRemoval& removal) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_symlink(error) || !at->is_regular_file(error)) continue;
    ++removal.files;
    removal.size_bytes += at->file_size(error);
  }
}

ModelRemoval plan_of(const std::string& name) {
  const InstalledModel model = installed(name);
  ModelRemoval removal{.name = model.name, .path = model.path, .is_pulled = model.is_pulled};
  std::error_code error;
  if (fs::is_symlink(model.path, error)) return removal;  // only the link goes
  const auto record = read_record(model.path);
  if (record && !record->cache.empty()) {
    const auto others = other_records(model.path);
    for (const RecordedFile& file : record->files) {
      ++removal.files;
      if (file.was_downloaded && !is_used_by(others, file)) removal.size_bytes += file.size_bytes;
    }
    for (const std::string& slab : model.slabs) {
      ++removal.files;
      removal.size_bytes += fs::file_size(slab, error);
    }
  } else if (fs::is_directory(model.path, error)) {
    add_tree(model.path, removal);
  } else {
    removal.files = 1;
    removal.size_bytes = model.size_bytes;
  }
  return removal;
}

uint64_t remove_named(const std::string& name) {
  const ModelRemoval removal = plan_of(name);
  std::error_code error;
  if (!fs::is_symlink(removal.path, error)) {
    if (const auto record = read_record(removal.path)) {
      const uint64_t freed = remove_slabs(installed(name).slabs);
      return freed + remove_pulled(removal.path, *record);
    }
  }
  fs::remove_all(removal.path, error);  // links in it are removed, not followed
  REEL_REQUIRE(!error, kIo,
               str_cat("Cannot remove \"", removal.path, "\": ", error.message(), '.'));
  return removal.size_bytes;
}

}  // namespace

void keep_ownership(PullRecord& record) {
  for (const PullRecord& other : other_records({})) {
    for (RecordedFile& file : record.files) {
      const auto owns = [&](const RecordedFile& one) {
        return one.was_downloaded && is_same_blob(one, file);
      };
      if (std::ranges::any_of(other.files, owns)) file.was_downloaded = true;
    }
  }
}

bool remove_below(const fs::path& root, const std::string& path) {
  if (!is_safe_path(path)) return false;
  std::error_code error;
  const fs::path target = root / path;
  std::vector<fs::path> folders;
  for (fs::path at = target.parent_path(); at != root; at = at.parent_path()) {
    if (fs::is_symlink(at, error)) return false;
    folders.push_back(at);
  }
  if (fs::is_directory(fs::symlink_status(target, error))) return false;
  const bool was_removed = fs::remove(target, error);
  for (const fs::path& folder : folders) {
    if (!fs::remove(folder, error)) break;  // not empty
  }
  return was_removed;
}

}  // namespace reel::hub

namespace reel {

ModelRemoval plan_removal(const std::string& name) { return hub::plan_of(name); }
uint64_t remove_model(const std::string& name) { return hub::remove_named(name); }

}  // namespace reel
