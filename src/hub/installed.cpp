// SPDX-License-Identifier: Apache-2.0
#include "hub/installed.h"

#include <reel/hub.h>

#include <algorithm>
#include <array>

#include "hub/model_folders.h"
#include "hub/pull_record.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

constexpr int kMostEntries = 10'000;
constexpr int kMostDepth = 4;
constexpr const char* kSlab = ".slab";

bool is_weights(const fs::path& path) {
  static constexpr std::array kExtensions = {".safetensors", ".sft", ".gguf", ".pth", ".pt", kSlab};
  return std::ranges::find(kExtensions, path.extension().string()) != kExtensions.end();
}

struct Content {
  uint64_t size_bytes = 0;
  bool has_weights = false;
  std::vector<fs::path> slabs;
};

// Links to files are followed, those to folders are not.
Content content_of(const fs::path& path) {
  Content content;
  std::error_code error;
  const auto add = [&](const fs::path& file) {
    std::error_code gone;
    const uint64_t size = fs::file_size(file, gone);
    if (!gone) content.size_bytes += size;
    content.has_weights |= is_weights(file);
    if (file.extension() == kSlab) content.slabs.push_back(file);
  };
  if (!fs::is_directory(path, error)) {
    add(path);
    return content;
  }
  int entries = 0;
  for (fs::recursive_directory_iterator at(path, error), end;
       !error && at != end && ++entries < kMostEntries; at.increment(error)) {
    if (at.depth() >= kMostDepth) at.disable_recursion_pending();
    if (at->is_regular_file(error)) add(at->path());
    error.clear();
  }
  return content;
}

}  // namespace

std::vector<fs::path> model_paths() {
  std::vector<fs::path> paths;
  for (const fs::path& folder : search_folders()) {
    const size_t first = paths.size();
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end;
         !error && at != end && paths.size() < kMostEntries; at.increment(error)) {
      if (at->path().filename().string().starts_with('.')) continue;
      if (read_record(at->path()) || content_of(at->path()).has_weights) {
        paths.push_back(at->path());
      }
    }
    std::sort(paths.begin() + static_cast<std::ptrdiff_t>(first), paths.end());
  }
  return paths;
}

namespace {

std::vector<InstalledModel> list() {
  std::vector<InstalledModel> models;
  for (const fs::path& path : model_paths()) {
    const Content content = content_of(path);
    InstalledModel model{
        .name = path.filename().string(), .path = path.string(), .size_bytes = content.size_bytes};
    for (const fs::path& slab : content.slabs) model.slabs.push_back(slab.string());
    if (const auto record = read_record(path)) {
      model.is_pulled = true;
      for (const RecordedFile& file : record->files) {
        std::error_code error;
        const bool is_there = fs::file_size(path / file.path, error) == file.size_bytes && !error;
        if (!is_there) model.missing.push_back(file.path);
      }
    }
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace
}  // namespace reel::hub

namespace reel {

std::vector<InstalledModel> installed_models() { return hub::list(); }

}  // namespace reel
