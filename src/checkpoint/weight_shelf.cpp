// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/weight_shelf.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

namespace fs = std::filesystem;
using formats::quoted;

// A 14B checkpoint in all its precisions has 130. Each stays open, and 1,024 is a common limit.
constexpr size_t kMostOpenFiles = 512;
constexpr size_t kMostListedFiles = 20000;

struct Anchors {
  Network network;
  std::array<const char*, 2> signatures;  // ends of our names, any of which will do
  std::array<const char*, 3> whole;       // our names, all of which are needed
};

constexpr Anchors kAnchors[] = {
    {Network::kDit,
     {"self_attn.norm_q.weight", "head.modulation"},
     {"patch_embedding.weight", "blocks.0.self_attn.q.weight", "head.head.weight"}},
    {Network::kTextEncoder,
     {"pos_embedding.embedding.weight", "pos_embedding.embedding.weight"},
     {"token_embedding.weight", "blocks.0.attn.q.weight", "norm.weight"}},
    {Network::kVae,
     {"decoder.middle.0.residual.0.gamma", "decoder.middle.0.residual.0.gamma"},
     {"conv2.weight", "decoder.conv1.weight", "decoder.head.2.weight"}},
    {Network::kTae,
     {"decoder.3.conv.0.weight", "decoder.3.conv.0.weight"},
     {"decoder.1.weight", "decoder.3.conv.0.weight", "decoder.22.weight"}},
};

const Anchors& anchors_of(Network network) {
  return *std::ranges::find(kAnchors, network, &Anchors::network);
}

Part part_under(const formats::TensorFile& file, const Naming& naming, const char* prefix) {
  const Anchors& anchors = anchors_of(naming.network());
  Part part{.naming = &naming, .prefix = prefix};
  std::set<const char*> seen;
  for (const formats::TensorEntry& entry : file.entries()) {
    if (!entry.name.starts_with(part.prefix)) continue;
    const auto ours = naming.ours(std::string_view(entry.name).substr(part.prefix.size()));
    if (!ours) continue;
    ++part.tensors;
    const std::string full = ours->full();
    part.has_signature |= std::ranges::any_of(anchors.signatures,
                                              [&](const char* end) { return full.ends_with(end); });
    for (const char* name : anchors.whole) {
      if (full == name) seen.insert(name);
    }
  }
  part.is_whole = part.has_signature && seen.size() == anchors.whole.size();
  return part;
}

bool has_prefix(const formats::TensorFile& file, std::string_view prefix) {
  const auto at = std::ranges::lower_bound(file.entries(), prefix, {}, &formats::TensorEntry::name);
  return at != file.entries().end() && at->name.starts_with(prefix);
}

// One part per network. Where two networks claim names under the same prefix, as "norm2" is one of
// the text encoder's in Wan's naming and one of the DiT's in diffusers', the one with more wins.
std::map<Network, Part> parts_of(const formats::TensorFile& file) {
  std::map<std::string, Part> by_prefix;
  for (const Naming& naming : namings()) {
    for (const char* prefix : prefixes_of(naming.network())) {
      if (!has_prefix(file, prefix)) continue;
      Part part = part_under(file, naming, prefix);
      Part& best = by_prefix[prefix];
      if (part.tensors > best.tensors) best = std::move(part);
    }
  }
  std::map<Network, Part> parts;
  for (auto& [prefix, part] : by_prefix) {
    if (part.tensors == 0) continue;
    Part& best = parts[part.naming->network()];
    if (part.tensors > best.tensors) best = std::move(part);
  }
  return parts;
}

bool is_weight_name(const fs::path& path) {
  static constexpr std::array kExtensions = {".safetensors", ".sft", ".pth", ".pt",
                                             ".gguf",        ".bin", ".ckpt"};
  const std::string name = path.filename().string();
  return !name.starts_with('.') &&
         std::ranges::find(kExtensions, path.extension().string()) != kExtensions.end();
}

bool is_index_name(const fs::path& path) {
  return path.filename().string().ends_with(".index.json");
}

// The names of weight files and indexes.
std::vector<fs::path> list_names(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (is_weight_name(at->path()) || is_index_name(at->path())) names.push_back(at->path());
    REEL_REQUIRE(names.size() <= kMostListedFiles, kInvalidArgument,
                 str_cat(quoted(folder), " holds more than ", kMostListedFiles,
                         " weight files; the folder of one model is needed."),
                 "Give the file or the folder of the model itself.");
  }
  REEL_REQUIRE(!error, kIo, str_cat(quoted(folder), " cannot be listed: ", error.message(), '.'));
  return names;
}

// Sorted, one of each group of links to the same file.
std::vector<fs::path> list(const fs::path& folder) {
  std::vector<fs::path> names = list_names(folder);
  std::ranges::sort(names);
  std::vector<fs::path> files;
  std::set<fs::path> seen;
  for (const fs::path& name : names) {
    std::error_code error;
    if (!fs::is_regular_file(name, error)) continue;
    const fs::path real = fs::canonical(name, error);
    if (seen.insert(error ? name : real).second) files.push_back(name);
  }
  return files;
}

}  // namespace

std::vector<std::string> our_names(const WeightFile& file, Network network) {
  const Part& part = *file.part(network);
  std::vector<std::string> names;
  for (const formats::TensorEntry& entry : file.tensors->entries()) {
    if (!entry.name.starts_with(part.prefix)) continue;
    const auto ours = part.naming->ours(std::string_view(entry.name).substr(part.prefix.size()));
    if (ours) names.push_back(ours->full());
  }
  return names;
}

WeightFilePtr WeightShelf::file(const fs::path& path) {
  const auto known = files_.find(path);
  if (known != files_.end()) return known->second;

  auto result = std::make_shared<WeightFile>();
  result->path = path;
  std::shared_ptr<const formats::TensorFile> tensors = formats::open_tensor_file(path);
  result->parts = parts_of(*tensors);
  result->stranger = find_stranger(*tensors);
  if (!result->parts.empty()) {
    REEL_REQUIRE(++open_files_ <= kMostOpenFiles, kInvalidArgument,
                 str_cat(quoted(path.parent_path()), " and what is near it hold more than ",
                         kMostOpenFiles, " weight files; one model is needed."),
                 "Give the file or the folder of the model itself.");
    result->tensors = std::move(tensors);
  }
  files_[path] = result;
  return result;
}

void WeightShelf::close_files_of(const fs::path& folder) {
  std::erase_if(files_, [&](const auto& item) { return item.first.parent_path() == folder; });
  open_files_ = static_cast<size_t>(std::ranges::count_if(
      files_, [](const auto& item) { return item.second->tensors != nullptr; }));
}

const WeightFolder& WeightShelf::folder(const fs::path& path) {
  const auto known = folders_.find(path);
  if (known != folders_.end()) return known->second;

  WeightFolder result{.path = path};
  for (const fs::path& name : list(path)) {
    try {
      if (is_index_name(name)) {
        result.indexes.push_back(formats::read_shard_index(name));
      } else {
        result.files.push_back(file(name));
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInvalidArgument) {
        close_files_of(path);
        throw;
      }
      result.damaged.push_back({name, error});
    }
  }
  return folders_[path] = std::move(result);
}

}  // namespace reel::checkpoint
