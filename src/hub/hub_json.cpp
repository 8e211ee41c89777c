// SPDX-License-Identifier: Apache-2.0
#include "hub/hub_json.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& source, const std::string& what) {
  fail(ErrorCode::kBadFile, str_cat(source, " answered ", what, '.'),
       "Check HF_ENDPOINT; a page that asks to log in to a network looks like this, too.");
}

json parsed(std::string_view text, const std::string& source) {
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) refuse(source, "with something that is no JSON");
  return value;
}

const json* member(const json& object, const char* key) {
  const auto at = object.find(key);
  return at == object.end() ? nullptr : &*at;
}

uint64_t read_size(const json& object, const std::string& source, const std::string& path) {
  const json* size = member(object, "size");
  if (size == nullptr || !size->is_number_unsigned() || size->get<uint64_t>() > kMostFileBytes) {
    refuse(source, str_cat("no possible size for the file \"", printable(path), '"'));
  }
  return size->get<uint64_t>();
}

ContentId read_id(const json& object, HashKind kind, const std::string& source,
                  const std::string& path) {
  const json* oid = member(object, "oid");
  if (oid == nullptr || !oid->is_string() || !is_digest(kind, oid->get_ref<const std::string&>())) {
    refuse(source, str_cat("no ", name_of(kind), " for the file \"", printable(path), '"'));
  }
  return {.kind = kind, .hex = oid->get<std::string>()};
}

RemoteFile read_file(const json& entry, const std::string& source) {
  const json* path = member(entry, "path");
  if (path == nullptr || !path->is_string()) refuse(source, "with a file that has no path");
  RemoteFile file{.path = path->get<std::string>()};
  if (!is_safe_path(file.path)) {
    refuse(source, str_cat("with a file named \"", printable(file.path),
                           "\", which leads out of a folder"));
  }
  const json* lfs = member(entry, "lfs");
  const bool is_large = lfs != nullptr && lfs->is_object();
  file.size_bytes = read_size(is_large ? *lfs : entry, source, file.path);
  file.id = is_large ? read_id(*lfs, HashKind::kSha256, source, file.path)
                     : read_id(entry, HashKind::kGitSha1, source, file.path);
  return file;
}

}  // namespace

std::vector<RemoteFile> read_tree_page(std::string_view text, const std::string& source) {
  const json page = parsed(text, source);
  if (!page.is_array()) refuse(source, "with no list of files");
  if (page.size() > kMostFiles) refuse(source, str_cat("with ", page.size(), " files"));
  std::vector<RemoteFile> files;
  for (const json& entry : page) {
    if (!entry.is_object()) refuse(source, "with an entry that is no file");
    const json* type = member(entry, "type");
    if (type != nullptr && *type == "file") files.push_back(read_file(entry, source));
  }
  return files;
}

std::string read_commit(std::string_view text, const std::string& source) {
  const json answer = parsed(text, source);
  const json* sha = answer.is_object() ? member(answer, "sha") : nullptr;
  if (sha == nullptr || !sha->is_string() || !is_commit(sha->get_ref<const std::string&>())) {
    refuse(source, "with no commit");
  }
  return sha->get<std::string>();
}

std::string next_page(std::string_view header) {
  while (!header.empty()) {
    const size_t open = header.find('<');
    const size_t close = header.find('>', open);
    if (open == std::string_view::npos || close == std::string_view::npos) return {};
    const size_t end = header.find(',', close);
    const std::string_view parameters = header.substr(close, end - close);
    if (parameters.find("rel=\"next\"") != std::string_view::npos ||
        parameters.find("rel=next") != std::string_view::npos) {
      return std::string(header.substr(open + 1, close - open - 1));
    }
    header = end == std::string_view::npos ? std::string_view{} : header.substr(end + 1);
  }
  return {};
}

}  // namespace reel::hub
