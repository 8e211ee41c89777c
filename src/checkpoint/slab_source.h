// SPDX-License-Identifier: Apache-2.0
// What a slab was made from, as its metadata tell, and whether those files are still the same.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace reel::checkpoint {

inline constexpr std::string_view kSlabConfig = "reel.config";  // config.json as text

// "reel.layout:dit"; its value is Component::layout of the source.
std::string slab_layout_key(Network network);
// What a tensor is called in a slab. `name` is ours.
std::string slab_tensor_name(Network network, const std::string& name);
// The tensor of bytes that holds the sentencepiece model.
std::string slab_tokenizer_name();

// Adds the layout of a network and the place, size and time of each of its files. `slab` is where
// the slab is going to be: places are relative to its folder.
void add_slab_source(const Component& source, const std::filesystem::path& slab,
                     std::map<std::string, std::string>& metadata);

// Where the slab of a checkpoint is looked for: beside the files of its DiT.
std::filesystem::path default_slab(const Component& dit);

// Puts the networks of a slab that lies beside the DiT's files in the place of those that it was
// made from. Files that have changed since, or a damaged slab, are a warning: the source is used.
void use_slab(Checkpoint& checkpoint);

// The one slab in these folders, or empty. Throws kBadFile when there are several.
std::filesystem::path lone_slab(const std::vector<std::filesystem::path>& folders);

}  // namespace reel::checkpoint
