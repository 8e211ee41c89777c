// SPDX-License-Identifier: Apache-2.0
// Asks the hub what a repository holds.
#pragma once

#include <string>
#include <vector>

#include "base/stop.h"
#include "hub/http_client.h"
#include "hub/hub_json.h"
#include "hub/hub_settings.h"
#include "hub/retry.h"

namespace reel::hub {

struct Listing {
  std::string repository, revision;
  std::string commit;
  std::vector<RemoteFile> files;  // by path
};

class HubApi {
 public:
  HubApi(HttpClient& http, HubSettings settings, RetryOptions retry, const StopFlag& stop);

  // Throws kNotFound for an unknown repository or revision, kNetwork, kBadFile for an answer that
  // makes no sense, kCancelled.
  Listing list(const std::string& repository, const std::string& revision);
  // Where a file's bytes are.
  std::string file_url(const Listing& listing, const std::string& path) const;

 private:
  struct Answer {
    std::string text, next_page;
  };
  Answer get(const std::string& url, const std::string& what);

  HttpClient& http_;
  HubSettings settings_;
  RetryOptions retry_;
  const StopFlag& stop_;
};

// Waits that long, or until a stop is requested, which throws kCancelled.
void wait_unless_stopped(HttpClient& http, std::chrono::milliseconds time, const StopFlag& stop);

}  // namespace reel::hub
