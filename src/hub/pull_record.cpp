// SPDX-License-Identifier: Apache-2.0
#include "hub/pull_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "hub/hub_json.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr uint64_t kMostBytes = uint64_t{64} << 20;

json to_json(const RecordedFile& file) {
  return {{"path", file.path},       {"repository", file.repository},
          {"commit", file.commit},   {"remote_path", file.remote_path},
          {"size", file.size_bytes}, {"hash", name_of(file.id.kind)},
          {"digest", file.id.hex},   {"downloaded", file.was_downloaded}};
}

// Throws json::exception.
RecordedFile file_from(const json& entry) {
  const HashKind kind =
      entry.at("hash") == name_of(HashKind::kSha256) ? HashKind::kSha256 : HashKind::kGitSha1;
  return {.path = entry.at("path"),
          .repository = entry.at("repository"),
          .commit = entry.at("commit"),
          .remote_path = entry.at("remote_path"),
          .size_bytes = entry.at("size"),
          .id = {.kind = kind, .hex = entry.at("digest")},
          .was_downloaded = entry.at("downloaded")};
}

bool makes_sense(const RecordedFile& file) {
  return is_safe_path(file.path) && is_repository_id(file.repository) && is_commit(file.commit) &&
         is_safe_path(file.remote_path) && is_digest(file.id.kind, file.id.hex) &&
         file.size_bytes <= kMostFileBytes;
}

}  // namespace

const RecordedFile* PullRecord::find(const std::string& path) const {
  const auto found = std::ranges::find(files, path, &RecordedFile::path);
  return found == files.end() ? nullptr : &*found;
}

void write_record(const fs::path& folder, const PullRecord& record) {
  json files = json::array();
  for (const RecordedFile& file : record.files) files.push_back(to_json(file));
  const json text{{"reel_pull", 1},
                  {"model", record.model},
                  {"cache", record.cache.string()},
                  {"files", files}};
  OutputFile file(folder / kRecordName);
  file.write(text.dump(1, ' ', false, json::error_handler_t::replace) + '\n');
  file.commit();
}

std::optional<PullRecord> read_record(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder / kRecordName, ignored)) return std::nullopt;
  try {
    const json text = json::parse(read_text_file(folder / kRecordName, kMostBytes));
    if (text.at("reel_pull") != 1) return std::nullopt;
    PullRecord record{
        .model = text.at("model"), .cache = text.at("cache").get<std::string>(), .files = {}};
    for (const json& entry : text.at("files")) record.files.push_back(file_from(entry));
    if (!std::ranges::all_of(record.files, makes_sense)) return std::nullopt;
    return record;
  } catch (const json::exception&) {
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace reel::hub
