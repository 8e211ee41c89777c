// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/slab_source.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "checkpoint/candidates.h"
#include "checkpoint/component.h"
#include "checkpoint/naming.h"
#include "formats/quoted.h"
#include "formats/slab.h"

namespace reel::checkpoint {
namespace {

namespace fs = std::filesystem;
using formats::quoted;
using formats::quoted_name;

constexpr size_t kMostFilesBeside = 20000;

const char* key_of(Network network) {
  switch (network) {
    case Network::kDit: return "dit";
    case Network::kTextEncoder: return "text_encoder";
    case Network::kVae: return "vae";
    case Network::kTae: return "tae";
  }
  return "";
}

// "reel.source:dit:": and a number.
std::string source_key(Network network) { return str_cat("reel.source:", key_of(network), ':'); }

// The folder's own links are resolved, the file's are not: the hub's cache names files by links.
fs::path with_real_folder(const fs::path& path) {
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(fs::absolute(path, error).parent_path(), error);
  return error ? path : folder / path.filename();
}

// By place: "size time", as a slab's metadata have it.
using Sources = std::map<std::string, std::string>;

Sources sources_of(const Component& component, const fs::path& slab) {
  std::set<const formats::TensorFile*> files;
  for (const auto& [name, tensor] : component.tensors) {
    files.insert(tensor.file.get());
    if (tensor.scale_file) files.insert(tensor.scale_file.get());
  }
  const fs::path folder = with_real_folder(slab).parent_path();
  Sources sources;
  for (const formats::TensorFile* file : files) {
    const fs::path place = with_real_folder(file->path()).lexically_relative(folder);
    sources[place.string()] = str_cat(file->file_size_bytes(), ' ', file->file().changed_ns());
  }
  return sources;
}

// "size time place"
Sources recorded_sources(const formats::TensorFile& slab, Network network) {
  const std::string prefix = source_key(network);
  Sources sources;
  for (auto at = slab.metadata().lower_bound(prefix);
       at != slab.metadata().end() && at->first.starts_with(prefix); ++at) {
    const std::string& text = at->second;
    const size_t place = text.find(' ', std::min(text.find(' '), text.size() - 1) + 1);
    if (place != std::string::npos) sources[text.substr(place + 1)] = text.substr(0, place);
  }
  return sources;
}

enum class Match { kOther, kSame, kChanged };

// `changed` gets the first file that is not as it was.
Match compare(const Sources& now, const Sources& then, std::string& changed) {
  if (!std::ranges::equal(now, then, {}, &Sources::value_type::first,
                          &Sources::value_type::first)) {
    return Match::kOther;
  }
  for (const auto& [place, state] : now) {
    if (then.at(place) == state) continue;
    changed = place;
    return Match::kChanged;
  }
  return Match::kSame;
}

bool has_same_tensors(const Component& a, const Component& b) {
  const auto is_same = [](const auto& one, const auto& other) {
    return one.first == other.first && one.second.entry->dtype == other.second.entry->dtype &&
           one.second.entry->shape == other.second.entry->shape;
  };
  return std::ranges::equal(a.tensors, b.tensors, is_same);
}

// Slabs in a folder, by name.
std::vector<fs::path> slabs_in(const fs::path& folder) {
  std::vector<fs::path> slabs;
  std::error_code error;
  size_t entries = 0;
  for (fs::directory_iterator at(folder, error), end;
       !error && at != end && ++entries < kMostFilesBeside; at.increment(error)) {
    if (at->path().extension() == formats::kSlabExtension) slabs.push_back(at->path());
  }
  std::ranges::sort(slabs);
  return slabs;
}

// What one slab gives a checkpoint.
class SlabUse {
 public:
  SlabUse(const fs::path& path, Checkpoint& checkpoint)
      : path_(path), checkpoint_(checkpoint), file_(shelf_.file(path)) {
    REEL_REQUIRE(file_->tensors && formats::is_slab(*file_->tensors), kBadFile,
                 str_cat(quoted(path), " holds no network."));
  }

  // All that fits, or nothing.
  void take() {
    std::optional<Component>* const sources[] = {&checkpoint_.dit, &checkpoint_.text_encoder,
                                                 &checkpoint_.vae};
    std::vector<std::pair<std::optional<Component>*, Component>> found;
    for (auto* const source : sources) {
      if (auto component = find(*source)) found.emplace_back(source, *std::move(component));
    }
    std::string taken;
    for (size_t index = 0; index < found.size(); ++index) {
      auto& [source, component] = found[index];
      if (index > 0) taken += index + 1 == found.size() ? " and " : ", ";
      taken += str_cat("the ", network_name(component.network));
      *source = std::move(component);
    }
    if (!taken.empty()) {
      checkpoint_.notes.push_back(str_cat("The slab ", quoted(path_), " is read in the place of ",
                                          taken, ", which it was made from."));
    }
    if (changed_.empty()) return;
    checkpoint_.warnings.push_back(str_cat("The slab ", quoted(path_), " was made before ",
                                           quoted_name(changed_),
                                           " changed, so that file is read itself; reel convert "
                                           "makes the slab again."));
  }

 private:
  // Nothing when the slab was not made from this network as it is now.
  std::optional<Component> find(const std::optional<Component>& source) {
    if (!source || file_->part(source->network) == nullptr || is_from_slab(*source)) return {};
    const Match match = compare(sources_of(*source, path_),
                                recorded_sources(*file_->tensors, source->network), changed_);
    if (match != Match::kSame) return {};
    Component component =
        build_component({.network = source->network, .path = path_, .files = {file_}});
    REEL_REQUIRE(has_same_tensors(component, *source), kBadFile,
                 str_cat("its tensors are not those of ", quoted(source->path), '.'));
    return component;
  }

  static bool is_from_slab(const Component& component) {
    return !component.tensors.empty() && formats::is_slab(*component.tensors.begin()->second.file);
  }

  const fs::path path_;
  Checkpoint& checkpoint_;
  WeightShelf shelf_;
  WeightFilePtr file_;
  std::string changed_;
};

fs::path folder_of(const Component& component) {
  const fs::path folder = component.tensors.begin()->second.file->path().parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

}  // namespace

std::string slab_layout_key(Network network) { return str_cat("reel.layout:", key_of(network)); }

std::string slab_tensor_name(Network network, const std::string& name) {
  const std::string prefix = prefixes_of(network)[0];
  if (network != Network::kTextEncoder) return prefix + name;
  // As in ComfyUI's files, where the text encoder has Hugging Face's names.
  const auto theirs = find_naming(network, "Hugging Face")->theirs(name);
  return prefix + theirs.value_or(name);
}

std::string slab_tokenizer_name() {
  return std::string(prefixes_of(Network::kTextEncoder)[0]) + "spiece_model";
}

void add_slab_source(const Component& source, const fs::path& slab,
                     std::map<std::string, std::string>& metadata) {
  metadata[slab_layout_key(source.network)] = source.layout;
  int number = 0;
  for (const auto& [place, state] : sources_of(source, slab)) {
    metadata[str_cat(source_key(source.network), number++)] = str_cat(state, ' ', place);
  }
}

fs::path default_slab(const Component& dit) {
  std::set<const formats::TensorFile*> files;
  for (const auto& [name, tensor] : dit.tensors) files.insert(tensor.file.get());
  const fs::path name = files.size() == 1 ? (*files.begin())->path().stem() : fs::path("reel");
  return folder_of(dit) / (name.string() + formats::kSlabExtension);
}

void use_slab(Checkpoint& checkpoint) {
  if (!checkpoint.dit || checkpoint.dit->tensors.empty()) return;
  for (const fs::path& path : slabs_in(folder_of(*checkpoint.dit))) {
    try {
      SlabUse(path, checkpoint).take();
    } catch (const Error& error) {
      checkpoint.warnings.push_back(
          str_cat("The slab ", quoted(path),
                  " is left alone and the checkpoint read itself: ", error.what()));
    }
  }
}

fs::path lone_slab(const std::vector<fs::path>& folders) {
  std::vector<fs::path> slabs;
  for (const fs::path& folder : folders) {
    for (fs::path& slab : slabs_in(folder)) slabs.push_back(std::move(slab));
  }
  REEL_REQUIRE(slabs.size() < 2, kBadFile,
               str_cat(quoted(folders[0]), " holds more than one slab: ", quoted(slabs[0]), " and ",
                       quoted(slabs[1]), "; one is needed."),
               "Give the file itself.");
  return slabs.empty() ? fs::path() : slabs[0];
}

}  // namespace reel::checkpoint
