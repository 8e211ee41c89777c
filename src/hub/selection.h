// SPDX-License-Identifier: Apache-2.0
// From what was asked for to the files of repositories.
#pragma once

#include <reel/hub.h>

#include <map>
#include <string>
#include <vector>

#include "hub/hub_api.h"

namespace reel::hub {

struct SelectedFile {
  const Listing* listing = nullptr;
  RemoteFile file;
  std::string local_path;  // within the model's folder
};

struct Selection {
  std::map<std::string, Listing> listings;  // by repository
  std::vector<SelectedFile> files;          // by local path, each path once
};

// Asks the hub. Throws kInvalidArgument for a name that is neither in the catalogue nor a
// repository's, or patterns beside a catalogue name; kNotFound when nothing matches; as
// HubApi::list.
Selection select_files(const PullRequest& request, HubApi& api);

}  // namespace reel::hub
