// SPDX-License-Identifier: Apache-2.0
#include "hub/hub_cache.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_link(const fs::path& path, const std::error_code& error) {
  fail(ErrorCode::kIo, str_cat("Cannot link \"", path.string(), "\": ", error.message(), '.'),
       "On a file system without links give --local-dir.");
}

// Whether any link below `folder` leads to `blob`.
bool is_linked_below(const fs::path& folder, const fs::path& blob) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_symlink(error)) continue;
    if (fs::read_symlink(at->path(), error).filename() == blob.filename()) return true;
  }
  return false;
}

// Folders that became empty, from `folder` up to but not including `root`.
void remove_empty(fs::path folder, const fs::path& root) {
  std::error_code error;
  for (; folder != root && folder.has_relative_path(); folder = folder.parent_path()) {
    if (!fs::is_empty(folder, error) || error || !fs::remove(folder, error)) return;
  }
}

}  // namespace

fs::path HubCache::repository_folder(const std::string& repository) const {
  std::string name = repository;
  name.replace(name.find('/'), 1, "--");
  return folder_ / ("models--" + name);
}

fs::path HubCache::blob(const std::string& repository, const ContentId& id) const {
  return repository_folder(repository) / "blobs" / id.hex;
}

fs::path HubCache::snapshot(const std::string& repository, const std::string& commit) const {
  return repository_folder(repository) / "snapshots" / commit;
}

std::optional<fs::path> HubCache::find(const std::string& repository,
                                       const RemoteFile& file) const {
  const fs::path path = blob(repository, file.id);
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  const uint64_t size = fs::file_size(path, error);
  if (error || size != file.size_bytes) return std::nullopt;
  return path;
}

PartialPlace HubCache::place(const std::string& repository, const RemoteFile& file) const {
  const fs::path target = blob(repository, file.id);
  const fs::path locks =
      folder_ / ".locks" / repository_folder(repository).filename() / (file.id.hex + ".lock");
  return {.name = file.path,
          .partial = target.string() + ".reel.incomplete",
          .lock = locks,
          .destination = target,
          .prefix = target.string() + ".incomplete"};
}

fs::path HubCache::add_to_snapshot(const Listing& listing, const RemoteFile& file) const {
  fs::path link = snapshot(listing.repository, listing.commit) / file.path;
  const fs::path target = blob(listing.repository, file.id);
  std::error_code error;
  fs::create_directories(link.parent_path(), error);
  if (error) fail_link(link, error);
  if (fs::equivalent(link, target, error)) return link;
  fs::remove(link, error);  // of a blob that is gone
  fs::create_symlink(target.lexically_relative(link.parent_path()), link, error);
  if (error) fail_link(link, error);
  return link;
}

void HubCache::set_revision(const Listing& listing) const {
  if (is_commit(listing.revision)) return;
  const fs::path reference = repository_folder(listing.repository) / "refs" / listing.revision;
  std::error_code error;
  fs::create_directories(reference.parent_path(), error);
  OutputFile file(reference);
  file.write(listing.commit);
  file.commit();
}

uint64_t HubCache::remove(const std::string& repository, const std::string& commit,
                          const std::string& path, const ContentId& id) const {
  if (!is_repository_id(repository) || !is_commit(commit) || !is_safe_path(path) ||
      !is_digest(id.kind, id.hex)) {
    return 0;
  }
  std::error_code error;
  const fs::path target = blob(repository, id);
  const fs::path snapshots = repository_folder(repository) / "snapshots";
  const fs::path link = snapshots / commit / path;
  if (fs::is_symlink(link, error) &&
      fs::read_symlink(link, error).filename() == target.filename()) {
    fs::remove(link, error);
    remove_empty(link.parent_path(), snapshots);
  }
  if (!fs::is_regular_file(fs::symlink_status(target, error)) ||
      is_linked_below(snapshots, target)) {
    return 0;
  }
  const uint64_t size = fs::file_size(target, error);
  return fs::remove(target, error) ? size : 0;
}

}  // namespace reel::hub
