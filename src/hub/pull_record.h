// SPDX-License-Identifier: Apache-2.0
// What pull() put into a folder, written down there: so that removing a model removes that, and a
// second pull knows what it has.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hub/content_hash.h"

namespace reel::hub {

struct RecordedFile {
  std::string path;  // within the folder
  std::string repository, commit, remote_path;
  uint64_t size_bytes = 0;
  ContentId id;
  bool was_downloaded = false;  // by pull(), not found in the hub's cache
};

struct PullRecord {
  std::string model;            // as pull() was asked for it
  std::filesystem::path cache;  // files are links into it; empty: they are files
  std::vector<RecordedFile> files;

  const RecordedFile* find(const std::string& path) const;
};

inline constexpr const char* kRecordName = "reel-pull.json";

// Throws kIo.
void write_record(const std::filesystem::path& folder, const PullRecord& record);
// Empty where there is none that makes sense.
std::optional<PullRecord> read_record(const std::filesystem::path& folder);

}  // namespace reel::hub
