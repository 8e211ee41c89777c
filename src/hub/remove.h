// SPDX-License-Identifier: Apache-2.0
// What is in the folders of models, and taking it out. Public part: reel/hub.h.
#pragma once

#include <filesystem>

#include "hub/pull_record.h"

namespace reel::hub {

// A blob that an earlier pull() brought is pull()'s still when another model is made of it.
void keep_ownership(PullRecord& record);

// Removes a file or link below `root`. Nothing when a folder on the way is a link, or it is gone.
// Returns whether it was removed.
bool remove_below(const std::filesystem::path& root, const std::string& path);

}  // namespace reel::hub
