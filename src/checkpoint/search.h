// SPDX-License-Identifier: Apache-2.0
// Finds the three networks of a checkpoint, each in the nearest place that has it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/candidates.h"
#include "checkpoint/checkpoint.h"

namespace reel::checkpoint {

class Search {
 public:
  // Throws kNotFound when the model's path does not exist.
  explicit Search(const OpenOptions& options);

  // What is chosen and what is missing is told in `report`.
  std::optional<Component> dit(Checkpoint& report);
  std::optional<Component> text_encoder(Checkpoint& report);
  // A TAE where it is given, or where there is nothing else.
  std::optional<Component> vae(Checkpoint& report);
  // The TAE that is given for previews.
  std::optional<Component> preview(Checkpoint& report);
  // A TAE that lies in one of the places, whatever decodes.
  std::optional<std::filesystem::path> tae_nearby();

  // Where everything but the DiT is looked for, nearest first. Known after dit().
  const std::vector<std::filesystem::path>& places() const { return places_; }
  // The model's path after links of the hub's cache.
  const std::filesystem::path& model() const { return model_; }
  // The DiT that was chosen: its metadata are evidence.
  const std::optional<Candidate>& dit_candidate() const { return dit_candidate_; }

 private:
  std::vector<Candidate> dit_candidates();
  std::vector<Candidate> given(const std::filesystem::path& path, Network network);
  const WeightFolder* look_in(const std::filesystem::path& place);
  std::vector<Candidate> nearest(Network network);
  std::optional<Component> part(Network network, const std::filesystem::path& path,
                                Checkpoint& report);
  Candidate choose(std::vector<Candidate> found, Checkpoint& report) const;
  void refuse_absent_variant(const std::vector<Candidate>& found) const;
  void set_places();
  void refuse_damage(const Candidate& candidate);
  void throw_damage_in(const std::vector<std::filesystem::path>& folders);
  void refuse_strangers();
  void report_missing(Network network, Checkpoint& report) const;

  const OpenOptions& options_;
  std::filesystem::path model_;
  bool model_is_folder_ = false;
  std::vector<std::filesystem::path> tree_;  // of the model, when it is a folder
  std::vector<std::filesystem::path> places_;
  std::optional<Candidate> dit_candidate_;
  WeightShelf shelf_;
};

}  // namespace reel::checkpoint
