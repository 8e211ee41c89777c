// SPDX-License-Identifier: Apache-2.0
// Opens every weight file of the folders that are looked at, once, and says what each contributes.
#pragma once

#include <reel/error.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/naming.h"
#include "checkpoint/strangers.h"
#include "formats/safetensors.h"
#include "formats/tensor_file.h"

namespace reel::checkpoint {

// What one file holds of one network, under which names.
struct Part {
  const Naming* naming = nullptr;
  std::string prefix;
  int64_t tensors = 0;
  bool has_signature = false;  // a tensor that no other kind of network has
  bool is_whole = false;       // first, last and a middle tensor: it may need no other file
};

struct WeightFile {
  std::filesystem::path path;
  // Null where the file holds nothing of ours: such files do not stay open. Shared by everything
  // that is found in it.
  std::shared_ptr<const formats::TensorFile> tensors;
  std::map<Network, Part> parts;
  const Stranger* stranger = nullptr;

  const Part* part(Network network) const {
    const auto found = parts.find(network);
    return found == parts.end() ? nullptr : &found->second;
  }
};

// The tensors of a network in a file, under our names. The file must have a part of it.
std::vector<std::string> our_names(const WeightFile& file, Network network);

using WeightFilePtr = std::shared_ptr<const WeightFile>;

struct WeightFolder {
  std::filesystem::path path;
  std::vector<WeightFilePtr> files;  // by name
  std::vector<formats::ShardIndex> indexes;
  // Files that could not be read: whether that matters depends on what is found elsewhere.
  struct Damaged {
    std::filesystem::path path;
    Error error;
  };
  std::vector<Damaged> damaged;
};

class WeightShelf {
 public:
  // Reads the headers of the weight files in `path`, not in the folders below it.
  // Throws kInvalidArgument when there are too many to be one model, kIo when it cannot be listed.
  const WeightFolder& folder(const std::filesystem::path& path);
  // Throws as formats::open_tensor_file.
  WeightFilePtr file(const std::filesystem::path& path);

 private:
  void close_files_of(const std::filesystem::path& folder);

  std::map<std::filesystem::path, WeightFolder> folders_;
  std::map<std::filesystem::path, WeightFilePtr> files_;
  size_t open_files_ = 0;
};

}  // namespace reel::checkpoint
