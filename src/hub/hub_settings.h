// SPDX-License-Identifier: Apache-2.0
// Where the hub is, who asks, and where its files are kept: as the hub's own tools read it from the
// environment.
#pragma once

#include <filesystem>
#include <string>

namespace reel::hub {

struct HubSettings {
  std::string endpoint;         // HF_ENDPOINT, else https://huggingface.co; no slash at its end
  std::string token;            // HF_TOKEN, else the file that the hub's login writes; may be empty
  std::filesystem::path cache;  // HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub
  std::string certificates;     // CURL_CA_BUNDLE or SSL_CERT_FILE; empty: the system's
};

// Throws kInvalidArgument for an HF_ENDPOINT or HF_TOKEN that cannot be one, and where
// HF_HUB_OFFLINE is set.
HubSettings hub_settings();

// The cache alone, for looking without downloading.
std::filesystem::path hub_cache_folder();

}  // namespace reel::hub
