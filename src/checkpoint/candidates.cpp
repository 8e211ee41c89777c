// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/candidates.h"

#include <algorithm>
#include <set>

namespace reel::checkpoint {
namespace {

namespace fs = std::filesystem;
using formats::ShardIndex;

// The files that an index names, sorted; those that hold nothing of this network are left out.
std::vector<WeightFilePtr> indexed_files(const WeightFolder& folder, const ShardIndex& index,
                                         Network network) {
  std::set<std::string> named;
  for (const auto& [tensor, file] : index.file_of) named.insert(file);
  std::vector<WeightFilePtr> files;
  for (const WeightFilePtr& file : folder.files) {
    if (file->part(network) != nullptr && named.contains(file->path.filename().string())) {
      files.push_back(file);
    }
  }
  return files;
}

// Files of an index that are not there, as far as their tensors belong to this network.
std::vector<std::string> absent_files(const WeightFolder& folder, const ShardIndex& index,
                                      const Part& like) {
  std::set<std::string> absent;
  for (const auto& [tensor, file] : index.file_of) {
    std::error_code ignored;
    if (absent.contains(file) || fs::is_regular_file(folder.path / file, ignored)) continue;
    const std::string_view name = tensor;
    if (name.starts_with(like.prefix) && like.naming->ours(name.substr(like.prefix.size()))) {
      absent.insert(file);
    }
  }
  return {absent.begin(), absent.end()};
}

bool has_signature(const Candidate& candidate) {
  return std::ranges::any_of(candidate.files, [&](const WeightFilePtr& file) {
    return file->part(candidate.network)->has_signature;
  });
}

void add_index(Candidate& candidate, const WeightFolder& folder, const ShardIndex& index) {
  const auto files = indexed_files(folder, index, candidate.network);
  if (files.empty()) return;
  candidate.files.insert(candidate.files.end(), files.begin(), files.end());
  for (std::string& name : absent_files(folder, index, *files[0]->part(candidate.network))) {
    candidate.absent_files.push_back(std::move(name));
  }
  candidate.index_metadata.insert(index.metadata.begin(), index.metadata.end());
}

void drop_repeated(std::vector<WeightFilePtr>& files) {
  std::ranges::sort(files, {}, [](const WeightFilePtr& file) { return file->path; });
  const auto rest = std::ranges::unique(files);
  files.erase(rest.begin(), rest.end());
}

}  // namespace

std::vector<Candidate> candidates_in(const WeightFolder& folder, Network network) {
  std::vector<Candidate> found;
  Candidate parts{.network = network, .path = folder.path};
  for (const ShardIndex& index : folder.indexes) add_index(parts, folder, index);
  drop_repeated(parts.files);
  for (const WeightFilePtr& file : folder.files) {
    const Part* part = file->part(network);
    if (part == nullptr || std::ranges::find(parts.files, file) != parts.files.end()) continue;
    if (part->is_whole) {
      found.push_back({.network = network, .path = file->path, .files = {file}});
    } else {
      parts.files.push_back(file);
    }
  }
  if (parts.files.empty() || !has_signature(parts)) return found;
  if (parts.files.size() == 1 && parts.absent_files.empty()) parts.path = parts.files[0]->path;
  found.insert(found.begin(), std::move(parts));
  return found;
}

std::optional<Candidate> candidate_at(WeightShelf& shelf, const fs::path& path, Network network) {
  const bool is_index = path.string().ends_with(".index.json");
  if (!is_index) {
    const WeightFilePtr file = shelf.file(path);
    const Part* part = file->part(network);
    if (part == nullptr || (!part->has_signature && !part->is_whole && part->tensors < 8)) {
      return std::nullopt;
    }
    if (part->is_whole) return Candidate{.network = network, .path = path, .files = {file}};
  }
  const WeightFolder& folder = shelf.folder(path.parent_path());
  for (const ShardIndex& index : folder.indexes) {
    Candidate candidate{.network = network, .path = folder.path};
    add_index(candidate, folder, index);
    const bool named = std::ranges::any_of(
        candidate.files, [&](const WeightFilePtr& file) { return file->path == path; });
    if ((named || is_index) && has_signature(candidate)) return candidate;
  }
  if (is_index) return std::nullopt;
  return Candidate{.network = network, .path = path, .files = {shelf.file(path)}};
}

}  // namespace reel::checkpoint
