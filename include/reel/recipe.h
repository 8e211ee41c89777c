// SPDX-License-Identifier: Apache-2.0
// What decided a clip: read it from the file, run it again.
#pragma once

#include <reel/progress.h>
#include <reel/request.h>

#include <string>
#include <vector>

namespace reel {

// The recipe JSON in the clip's comment tag. Throws kNotFound when the file or its recipe is
// missing, kBadFile when it is not one of Reel's.
std::string read_recipe(const std::string& clip);

struct ReplayResult {
  bool equal = false;  // every RGB byte of every frame
  std::string recorded_digest, digest;
  // What is not as it was, one sentence each: version, weights, kernels, ...
  std::vector<std::string> differences;
};

// Makes the frames of a clip again and compares their digest; writes no file. `model` says where
// the weights are; an empty one stands for the built-in demo model. Its settings besides
// (precision, threads) are taken from the recipe where they are left at their defaults.
ReplayResult replay(const std::string& clip, const ModelOptions& model, Progress& progress);

}  // namespace reel
