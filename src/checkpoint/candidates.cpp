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

bool is_named_by_index(const WeightFolder& folder, const fs::path& path) {
  const std::string name = path.filename().string();
  return std::ranges::any_of(folder.indexes, [&](const ShardIndex& index) {
    return std::ranges::any_of(index.file_of, [&](const auto& at) { return at.second == name; });
  });
}

void drop_repeated(std::vector<WeightFilePtr>& files) {
  std::ranges::sort(files, {}, [](const WeightFilePtr& file) { return file->path; });
  files.erase(std::unique(files.begin(), files.end()), files.end());
}

// Files that may be parts of one network, and the names they have between them.
struct Group {
  Candidate candidate;
  std::set<std::string> names;

  void add(const WeightFilePtr& file, const std::vector<std::string>& theirs) {
    candidate.files.push_back(file);
    names.insert(theirs.begin(), theirs.end());
  }
  // Parts share no tensor; two copies of a network share them all.
  bool takes(const WeightFilePtr& file, const std::vector<std::string>& theirs) const {
    const Part& first = *candidate.files[0]->part(candidate.network);
    const Part& other = *file->part(candidate.network);
    return first.naming == other.naming && first.prefix == other.prefix &&
           std::ranges::none_of(theirs, [&](const auto& name) { return names.contains(name); });
  }
};

// Whether the few names that it shares with ours are all that the file is about.
bool is_mostly_ours(const WeightFile& file, const Part& part) {
  return part.has_signature ||
         2 * part.tensors >= static_cast<int64_t>(file.tensors->entries().size());
}

}  // namespace

const formats::TensorEntry* find_tensor(const Candidate& candidate, std::string_view name) {
  for (const WeightFilePtr& file : candidate.files) {
    const Part& part = *file->part(candidate.network);
    const auto theirs = part.naming->theirs(name);
    if (!theirs) continue;
    if (const auto* entry = file->tensors->find(part.prefix + *theirs)) return entry;
  }
  return nullptr;
}

std::vector<Candidate> candidates_in(const WeightFolder& folder, Network network) {
  std::vector<Group> groups;
  Candidate indexed{.network = network, .path = folder.path};
  for (const ShardIndex& index : folder.indexes) add_index(indexed, folder, index);
  drop_repeated(indexed.files);
  const std::vector<WeightFilePtr> in_index = indexed.files;
  if (!in_index.empty()) {
    groups.push_back({.candidate = indexed});
    for (const WeightFilePtr& file : in_index) {
      for (std::string& name : our_names(*file, network)) groups[0].names.insert(std::move(name));
    }
  }
  for (const WeightFilePtr& file : folder.files) {
    const Part* part = file->part(network);
    if (part == nullptr || !is_mostly_ours(*file, *part)) continue;
    if (std::ranges::find(in_index, file) != in_index.end()) continue;
    const auto names = our_names(*file, network);
    auto group = std::ranges::find_if(groups, [&](const Group& g) { return g.takes(file, names); });
    if (group == groups.end()) {
      groups.push_back({.candidate = {.network = network, .path = folder.path}});
      group = groups.end() - 1;
    }
    group->add(file, names);
  }

  std::vector<Candidate> found;
  for (Group& group : groups) {
    Candidate& candidate = group.candidate;
    if (!has_signature(candidate)) continue;
    const bool is_one_file = candidate.files.size() == 1 && candidate.absent_files.empty();
    if (is_one_file) candidate.path = candidate.files[0]->path;
    found.push_back(std::move(candidate));
  }
  return found;
}

std::optional<Candidate> candidate_at(WeightShelf& shelf, const fs::path& path, Network network) {
  const bool is_index = path.string().ends_with(".index.json");
  const WeightFilePtr file = is_index ? nullptr : shelf.file(path);
  const Part* part = is_index ? nullptr : file->part(network);
  if (!is_index && (part == nullptr || !is_mostly_ours(*file, *part))) return std::nullopt;
  const bool stands_alone = part != nullptr && part->is_whole;

  const fs::path parent = path.parent_path();
  const WeightFolder& folder = shelf.folder(parent.empty() ? "." : parent);
  for (const Candidate& candidate : candidates_in(folder, network)) {
    const bool has_file = std::ranges::any_of(candidate.files, [&](const WeightFilePtr& other) {
      return other->path.filename() == path.filename();
    });
    const bool is_asked_for = is_index ? candidate.files.size() > 1 : has_file;
    if (is_asked_for && (!stands_alone || is_named_by_index(folder, path))) return candidate;
  }
  if (is_index) return std::nullopt;
  return Candidate{.network = network, .path = path, .files = {file}};
}

}  // namespace reel::checkpoint
