// SPDX-License-Identifier: Apache-2.0
// The cache that all tools of the hub share:
// <cache>/models--<owner>--<name>/{blobs,refs,snapshots}. A blob is named by the digest of its
// bytes; a snapshot is a tree of links to blobs. Layout: huggingface_hub, "Understand caching".
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hub/hub_api.h"
#include "hub/partial_file.h"

namespace reel::hub {

class HubCache {
 public:
  explicit HubCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path blob(const std::string& repository, const ContentId& id) const;
  std::filesystem::path snapshot(const std::string& repository, const std::string& commit) const;
  // The blob, if it is there with this size.
  std::optional<std::filesystem::path> find(const std::string& repository,
                                            const RemoteFile& file) const;
  // Where it is downloaded to.
  PartialPlace place(const std::string& repository, const RemoteFile& file) const;
  // Makes the blob that is there appear in the snapshot of the listing's commit, under its name,
  // and the revision name that commit. Returns the path in the snapshot. Throws kIo.
  std::filesystem::path add_to_snapshot(const Listing& listing, const RemoteFile& file) const;
  void set_revision(const Listing& listing) const;

  // Takes a file out of a snapshot, and its blob when no other snapshot has it. Only what is one of
  // the cache's own links and blobs is removed. Returns the bytes that are free then.
  uint64_t remove(const std::string& repository, const std::string& commit, const std::string& path,
                  const ContentId& id) const;

 private:
  std::filesystem::path repository_folder(const std::string& repository) const;

  std::filesystem::path folder_;
};

}  // namespace reel::hub
