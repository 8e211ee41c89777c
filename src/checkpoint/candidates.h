// SPDX-License-Identifier: Apache-2.0
// Which files of a folder belong together as one network.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/weight_shelf.h"

namespace reel::checkpoint {

struct Candidate {
  Network network = Network::kDit;
  std::filesystem::path path;  // the file, or the folder where there are several
  std::vector<WeightFilePtr> files;
  std::vector<std::string> absent_files;  // named by the index, not there
  std::map<std::string, std::string> index_metadata;
};

// Under our name; null when no file of the candidate has it.
const formats::TensorEntry* find_tensor(const Candidate& candidate, std::string_view name);

// Every network of this kind in the folder. Files that share no tensor are parts of one (blocks,
// shards, chunks); files that do are copies, each a candidate of its own.
std::vector<Candidate> candidates_in(const WeightFolder& folder, Network network);

// The network that `path` holds, together with the files that its folder's index puts beside it.
std::optional<Candidate> candidate_at(WeightShelf& shelf, const std::filesystem::path& path,
                                      Network network);

}  // namespace reel::checkpoint
