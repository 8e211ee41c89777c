// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/search.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "checkpoint/component.h"
#include "checkpoint/places.h"
#include "checkpoint/preference.h"
#include "checkpoint/refusal.h"
#include "checkpoint/slab_source.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

namespace fs = std::filesystem;
using formats::quoted;

// Other extensions are used for things that are no weights, too.
bool is_surely_weights(const fs::path& path) {
  static constexpr std::array kExtensions = {".safetensors", ".sft", ".gguf", ".pth", ".json"};
  return std::ranges::find(kExtensions, path.extension().string()) != kExtensions.end();
}

std::string join(const std::vector<std::string>& words, const char* last) {
  std::string text;
  for (size_t index = 0; index < words.size(); ++index) {
    if (index > 0) text += index + 1 == words.size() ? str_cat(' ', last, ' ') : ", ";
    text += words[index];
  }
  return text;
}

std::string join_paths(const std::vector<fs::path>& paths) {
  constexpr size_t kMostShown = 12;
  std::vector<std::string> words;
  for (const fs::path& path : paths) {
    if (words.size() < kMostShown) words.push_back(quoted(path));
  }
  if (paths.size() > kMostShown) words.push_back(str_cat(paths.size() - kMostShown, " more"));
  return join(words, "and");
}

// Throws when one folder has several: nothing says which is meant.
void refuse_several_dits(const std::vector<Candidate>& found, const fs::path& folder) {
  if (found.size() < 2) return;
  const auto name = [](const Candidate& candidate) {
    return str_cat(quoted(candidate.files[0]->path.filename()), " (", precision_of(candidate), ')');
  };
  fail(ErrorCode::kBadFile,
       str_cat(quoted(folder), " holds more than one DiT: ", name(found[0]), " and ",
               name(found[1]), "; one checkpoint in a folder is needed."),
       "Give the file itself, or keep each checkpoint in a folder of its own.");
}

}  // namespace

Search::Search(const OpenOptions& options)
    : options_(options), model_(resolve_hub_folder(options.model)) {
  std::error_code ignored;
  REEL_REQUIRE(fs::exists(model_, ignored), kNotFound,
               str_cat(quoted(options.model),
                       " does not exist; the file or folder of a model is "
                       "needed."),
               "Check the spelling; a bare name is looked up in the folders of REEL_MODELS.");
  model_is_folder_ = fs::is_directory(model_, ignored);
  if (model_is_folder_) tree_ = folders_under(model_, 2);
}

std::vector<Candidate> Search::dit_candidates() {
  if (!model_is_folder_) return given(model_, Network::kDit);
  std::vector<Candidate> all;
  std::string refusal;
  for (const fs::path& folder : tree_) {
    std::vector<Candidate> runs;
    for (Candidate& candidate : candidates_in(shelf_.folder(folder), Network::kDit)) {
      const auto refused = refusal_of(candidate);
      if (refused && refusal.empty()) refusal = *refused;
      if (!refused) runs.push_back(std::move(candidate));
    }
    refuse_several_dits(runs, folder);
    if (!runs.empty()) all.push_back(std::move(runs[0]));
  }
  REEL_REQUIRE(!all.empty() || refusal.empty(), kUnsupported, refusal, runs_instead(Network::kDit));
  if (!all.empty()) return all;
  const fs::path slab = lone_slab(tree_);
  if (slab.empty()) return all;
  model_ = slab;
  model_is_folder_ = false;
  return given(model_, Network::kDit);
}

// From a path that the user gave for exactly this network.
std::vector<Candidate> Search::given(const fs::path& path, Network network) {
  std::error_code ignored;
  REEL_REQUIRE(fs::exists(path, ignored), kNotFound,
               str_cat(quoted(path), " does not exist; the file or folder of the ",
                       network_name(network), " is needed."),
               "Check the spelling of the path.");
  std::vector<Candidate> found;
  if (fs::is_directory(path, ignored)) {
    for (const fs::path& folder : folders_under(path, 1)) {
      found = candidates_in(shelf_.folder(folder), network);
      if (!found.empty()) break;
    }
  } else if (path.string().ends_with(".index.json") && !fs::is_directory(path, ignored)) {
    formats::read_shard_index(path);  // to say what is wrong with it
  }
  if (!fs::is_directory(path, ignored)) {
    if (auto candidate = candidate_at(shelf_, path, network)) {
      found.push_back(*std::move(candidate));
    }
  }
  for (const Candidate& candidate : found) {
    const auto refused = refusal_of(candidate);
    REEL_REQUIRE(!refused, kUnsupported, *refused, runs_instead(network));
  }
  return found;
}

// Null for a folder outside the model that cannot be listed or holds too much: it need not concern
// us.
const WeightFolder* Search::look_in(const fs::path& place) {
  try {
    return &shelf_.folder(place);
  } catch (const Error&) {
    if (std::ranges::find(tree_, place) != tree_.end()) throw;
    return nullptr;
  }
}

// From the first place that has any.
std::vector<Candidate> Search::nearest(Network network) {
  if (!model_is_folder_) {
    auto found = given(model_, network);
    if (!found.empty()) return found;
  }
  for (const fs::path& place : places_) {
    const WeightFolder* folder = look_in(place);
    if (folder == nullptr) continue;
    auto found = candidates_in(*folder, network);
    std::erase_if(found,
                  [](const Candidate& candidate) { return refusal_of(candidate).has_value(); });
    if (!found.empty()) return found;
  }
  return {};
}

void Search::set_places() {
  const fs::path base = model_is_folder_ ? model_ : model_.parent_path();
  std::vector<fs::path> all;
  if (dit_candidate_) all.push_back(dit_candidate_->files[0]->path.parent_path());
  all.push_back(base.empty() ? "." : base);
  all.insert(all.end(), tree_.begin(), tree_.end());
  const auto around = folders_around(all[0]);
  all.insert(all.end(), around.begin(), around.end());
  const auto around_base = folders_around(base.empty() ? "." : base);
  all.insert(all.end(), around_base.begin(), around_base.end());

  std::set<fs::path> seen;
  for (fs::path& place : all) {
    std::error_code ignored;
    if (fs::is_directory(place, ignored) && seen.insert(fs::canonical(place, ignored)).second) {
      places_.push_back(std::move(place));
    }
  }
}

Candidate Search::choose(std::vector<Candidate> found, Checkpoint& report) const {
  const std::string& wanted = options_.variant;
  const auto rank = [&](const Candidate& candidate) { return rank_of(candidate, wanted); };
  std::ranges::stable_sort(found, {}, rank);
  if (found.size() == 1) return std::move(found[0]);
  std::vector<std::string> precisions;
  precisions.reserve(found.size());
  for (const Candidate& candidate : found) {
    precisions.push_back(str_cat(precision_of(candidate), " in ", quoted(candidate.path)));
  }
  report.notes.push_back(str_cat(
      "Several were found for the ", network_name(found[0].network), ": ", join(precisions, "and"),
      "; the first was chosen", wanted.empty() ? "" : str_cat(" for the variant ", wanted),
      ". Choose otherwise with the variant (fp8, int8, bf16) or by giving the path itself."));
  return std::move(found[0]);
}

void Search::refuse_absent_variant(const std::vector<Candidate>& found) const {
  if (options_.variant.empty()) return;
  std::vector<std::string> precisions;
  precisions.reserve(found.size());
  for (const Candidate& candidate : found) precisions.push_back(precision_of(candidate));
  REEL_REQUIRE(std::ranges::find(precisions, options_.variant) != precisions.end(), kNotFound,
               str_cat(quoted(model_), " has no ", options_.variant, " DiT; ",
                       join(precisions, "and"), precisions.size() == 1 ? " is" : " are", " there."),
               "Leave out the variant, or choose one that is there.");
}

// A file of the same folder that cannot be read may be the block that is missing.
void Search::refuse_damage(const Candidate& candidate) {
  const bool stands_alone =
      candidate.files.size() == 1 && candidate.files[0]->part(candidate.network)->is_whole;
  if (!stands_alone) throw_damage_in({candidate.files[0]->path.parent_path()});
}

void Search::throw_damage_in(const std::vector<fs::path>& folders) {
  for (const fs::path& folder : folders) {
    for (const WeightFolder::Damaged& damaged : shelf_.folder(folder).damaged) {
      if (is_surely_weights(damaged.path)) throw damaged.error;
    }
  }
}

// Names what is there instead of our networks.
void Search::refuse_strangers() {
  std::vector<WeightFilePtr> files;
  for (const fs::path& folder : tree_) {
    const WeightFolder& all = shelf_.folder(folder);
    files.insert(files.end(), all.files.begin(), all.files.end());
  }
  if (!model_is_folder_ && !model_.string().ends_with(".json")) files = {shelf_.file(model_)};
  const auto is_ours = [](const WeightFilePtr& file) {
    return std::ranges::any_of(file->parts,
                               [](const auto& part) { return part.second.has_signature; });
  };
  if (std::ranges::any_of(files, is_ours)) return;
  for (const WeightFilePtr& file : files) {
    if (file->stranger == nullptr) continue;
    const bool is_lora = std::string_view(file->stranger->what) == "a LoRA";
    fail(ErrorCode::kUnsupported,
         str_cat(quoted(file->path), " is ", file->stranger->what, " (it has \"",
                 file->stranger->mark, "\"); a text-to-video model of Wan 2.1 is needed."),
         is_lora ? "Give the model that it changes with --model, and this file with --lora."
                 : runs_instead(Network::kDit));
  }
}

void Search::report_missing(Network network, Checkpoint& report) const {
  const auto& looked_at = network == Network::kDit && model_is_folder_ ? tree_ : places_;
  static constexpr const char* kFiles[] = {
      "block_0.safetensors and its siblings, or a single .safetensors or .gguf",
      "models_t5_umt5-xxl-enc-bf16.pth or umt5_xxl_fp8_e4m3fn_scaled.safetensors",
      "Wan2.1_VAE.pth or wan_2.1_vae.safetensors",
      "taew2_1.pth or lighttaew2_1.pth",
  };
  report.missing.push_back(str_cat("No ", network_name(network), " was found (such as ",
                                   kFiles[static_cast<size_t>(network)], ") in ",
                                   join_paths(looked_at), '.'));
}

std::optional<Component> Search::dit(Checkpoint& report) {
  auto found = dit_candidates();
  if (!found.empty()) {
    refuse_absent_variant(found);
    dit_candidate_ = choose(std::move(found), report);
    const auto refused = refusal_of(*dit_candidate_);
    REEL_REQUIRE(!refused, kUnsupported, *refused, runs_instead(Network::kDit));
    refuse_damage(*dit_candidate_);
  }
  set_places();
  if (!dit_candidate_) {
    refuse_strangers();
    throw_damage_in(tree_);
  }
  if (dit_candidate_) return build_component(*dit_candidate_);
  report_missing(Network::kDit, report);
  return std::nullopt;
}

std::optional<Component> Search::part(Network network, const fs::path& path, Checkpoint& report) {
  auto found = path.empty() ? nearest(network) : given(path, network);
  REEL_REQUIRE(path.empty() || !found.empty(), kNotFound,
               str_cat(quoted(path), " holds no ", network_name(network), '.'),
               runs_instead(network));
  if (found.empty()) {
    throw_damage_in(tree_);
    report_missing(network, report);
    return std::nullopt;
  }
  const Candidate candidate = choose(std::move(found), report);
  refuse_damage(candidate);
  return build_component(candidate);
}

std::optional<Component> Search::text_encoder(Checkpoint& report) {
  return part(Network::kTextEncoder, options_.text_encoder, report);
}

std::optional<Component> Search::vae(Checkpoint& report) {
  if (!options_.vae.empty()) {
    const bool is_tae =
        given(options_.vae, Network::kVae).empty() && !given(options_.vae, Network::kTae).empty();
    return part(is_tae ? Network::kTae : Network::kVae, options_.vae, report);
  }
  auto found = part(Network::kVae, {}, report);
  if (found) return found;
  auto tiny = nearest(Network::kTae);
  if (tiny.empty()) return std::nullopt;
  report.missing.pop_back();  // that no VAE was found
  found = build_component(choose(std::move(tiny), report));
  report.warnings.push_back(str_cat("No VAE was found; the TAE ", quoted(found->path),
                                    " decodes in its place, with less detail."));
  return found;
}

std::optional<Component> Search::preview(Checkpoint& report) {
  if (options_.preview.empty()) return std::nullopt;
  return part(Network::kTae, options_.preview, report);
}

std::optional<fs::path> Search::tae_nearby() {
  const auto found = nearest(Network::kTae);
  return found.empty() ? std::nullopt : std::optional(found[0].path);
}

}  // namespace reel::checkpoint
