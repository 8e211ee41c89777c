// SPDX-License-Identifier: Apache-2.0
#include "golden/checkpoint_cache.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "support/temp_folder.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

bool holds_weights(const fs::path& path) {
  const std::string kind = path.extension().string();
  return kind == ".safetensors" || kind == ".pth" || kind == ".gguf";
}

// As digest() in tools/reference/checkpoints.py.
std::string weights_digest(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (holds_weights(entry.path())) names.push_back(entry.path().lexically_relative(folder));
  }
  std::sort(names.begin(), names.end());
  Digest digest;
  for (const std::string& name : names) {
    const InputFile file(folder / name);
    std::vector<std::byte> bytes(file.size_bytes());
    file.read_at(0, bytes);
    digest.add(bytes);
  }
  return digest.hex();
}

}  // namespace

fs::path checkpoint_folder(const GoldenCase& golden) {
  static const TempFolder root;
  static std::map<std::string, fs::path> folders;  // by the digest of their weights
  fs::path& folder = folders[golden.weights_digest];
  if (!folder.empty()) return folder;
  SynthRequest request = golden.synth;
  request.out = root / std::to_string(folders.size());
  synthesize(request);
  const std::string digest = weights_digest(request.out);
  REEL_REQUIRE(digest == golden.weights_digest, kBadFile,
               str_cat("The weights that \"", golden.path, "\" was made with have the digest ",
                       golden.weights_digest, "; reel synth now writes ", digest, '.'),
               "Run tools/reference/goldens.py again.");
  folder = request.out;
  return folder;
}

}  // namespace reel::test
