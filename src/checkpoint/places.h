// SPDX-License-Identifier: Apache-2.0
// Which folders are looked at, and in which order.
#pragma once

#include <filesystem>
#include <vector>

namespace reel::checkpoint {

// The snapshot inside a folder of the hub's cache ("models--<owner>--<name>"): the one that
// refs/main names, else the newest. Any other path is answered as it is.
std::filesystem::path resolve_hub_folder(const std::filesystem::path& path);

// `root` and the folders below it, nearest first, down to `depth` levels. Links are followed, each
// folder is visited once, hidden ones are left out.
std::vector<std::filesystem::path> folders_under(const std::filesystem::path& root, int depth);

// Folders in, beside and above `folder` where published recipes put the other networks:
// sibling distill_* folders, ComfyUI's text_encoders/ and vae/, diffusers' text_encoder/, ...
std::vector<std::filesystem::path> folders_around(const std::filesystem::path& folder);

}  // namespace reel::checkpoint
