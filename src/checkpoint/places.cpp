// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/places.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <string>

namespace reel::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFolders = 256;
constexpr size_t kMostEntries = 20000;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// The visible folders in `folder`, by name.
std::vector<fs::path> children(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  size_t entries = 0;
  for (fs::directory_iterator at(folder, error), end;
       !error && at != end && ++entries < kMostEntries; at.increment(error)) {
    const bool hidden = at->path().filename().string().starts_with('.');
    if (!hidden && is_folder(at->path())) found.push_back(at->path());
  }
  std::ranges::sort(found);
  return found;
}

bool is_known_neighbour(const fs::path& folder) {
  static constexpr std::array kNames = {"text_encoders", "text_encoder", "clip",    "vae",
                                        "tokenizer",     "original",     "fp8",     "int8",
                                        "quantized",     "google",       "umt5-xxl"};
  const std::string name = folder.filename().string();
  return name.starts_with("distill_") || std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace

fs::path resolve_hub_folder(const fs::path& path) {
  const fs::path snapshots = path / "snapshots";
  if (!is_folder(snapshots)) return path;
  std::ifstream reference(path / "refs" / "main");
  std::string commit;
  if (reference >> commit && commit.find('/') == std::string::npos && commit != ".." &&
      is_folder(snapshots / commit)) {
    return snapshots / commit;
  }
  std::vector<fs::path> all = children(snapshots);
  if (all.empty()) return path;
  std::ranges::stable_sort(all, {}, [](const fs::path& folder) {
    std::error_code ignored;
    return fs::last_write_time(folder, ignored);
  });
  return all.back();
}

std::vector<fs::path> folders_under(const fs::path& root, int depth) {
  std::vector<fs::path> found;
  std::set<fs::path> seen;
  std::vector<fs::path> level{root};
  for (int below = 0; below <= depth; ++below) {
    std::vector<fs::path> next;
    for (const fs::path& folder : level) {
      std::error_code ignored;
      if (found.size() >= kMostFolders || !is_folder(folder) ||
          !seen.insert(fs::canonical(folder, ignored)).second) {
        continue;
      }
      found.push_back(folder);
      if (below == depth) continue;
      const auto below_it = children(folder);
      next.insert(next.end(), below_it.begin(), below_it.end());
    }
    level = std::move(next);
  }
  return found;
}

std::vector<fs::path> folders_around(const fs::path& folder) {
  constexpr int kMostAbove = 2;
  std::vector<fs::path> found;
  std::error_code ignored;
  fs::path at = fs::absolute(folder, ignored).lexically_normal();
  if (!at.has_filename()) at = at.parent_path();
  for (int above = 0; above <= kMostAbove; ++above, at = at.parent_path()) {
    if (above == 1) found.push_back(at);
    for (const fs::path& child : children(at)) {
      if (!is_known_neighbour(child)) continue;
      const auto inside = folders_under(child, 1);
      found.insert(found.end(), inside.begin(), inside.end());
    }
    if (!at.has_relative_path()) break;
  }
  return found;
}

}  // namespace reel::checkpoint
