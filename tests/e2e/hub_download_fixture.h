// SPDX-License-Identifier: Apache-2.0
// A repository on a hub of this machine that can be told to fail, and a cache to fetch it to.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "e2e/child.h"
#include "e2e/hub_server.h"
#include "hub/download.h"
#include "hub/http_client.h"
#include "hub/hub_api.h"
#include "hub/hub_cache.h"

namespace reel::test {

inline constexpr const char* kRepository = "maker/model";
inline constexpr size_t kLargeBytes = 3'300'001;  // four parts

// A repository with a large file, a small one and an empty one.
class HubDownload : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
    write_file(folder_ / "root/maker/model/large.bin", large_);
    write_file(folder_ / "root/maker/model/sub folder/small #1.json", "{\"a\": 1}\n");
    write_file(folder_ / "root/maker/model/empty.txt", "");
  }

  void start(const nlohmann::json& faults = nlohmann::json::array()) {
    server_ = std::make_unique<HubServer>(folder_ / "root", faults);
    settings_ = {.endpoint = server_->endpoint(),
                 .token = token_,
                 .cache = folder_ / "cache",
                 .certificates = {}};
  }

  hub::RetryOptions quick() const {
    return {.attempts = 4,
            .first_delay = std::chrono::milliseconds(5),
            .longest_delay = std::chrono::milliseconds(20),
            .longest_wait = std::chrono::seconds(2)};
  }

  hub::Listing list() {
    hub::HubApi api(http_, settings_, quick(), stop_);
    return api.list(kRepository, "main");
  }

  // Every file of the repository to the cache. Returns the bytes that were fetched.
  uint64_t fetch(int connections = 4) {
    hub::HubApi api(http_, settings_, quick(), stop_);
    const hub::Listing listing = api.list(kRepository, "main");
    const hub::HubCache cache(settings_.cache);
    std::vector<hub::WantedFile> wanted;
    for (const hub::RemoteFile& file : listing.files) {
      if (cache.find(kRepository, file)) continue;
      wanted.push_back({.name = file.path,
                        .url = api.file_url(listing, file.path),
                        .size_bytes = file.size_bytes,
                        .id = file.id,
                        .place = cache.place(kRepository, file)});
    }
    const hub::DownloadOptions options{
        .connections = connections, .retry = quick(), .token = settings_.token};
    return hub::download(http_, wanted, options, stop_, watch_);
  }

  std::filesystem::path blobs() const { return folder_ / "cache/models--maker--model/blobs"; }

  void expect_all_there() {
    std::vector<std::string> contents;
    for (const auto& entry : std::filesystem::directory_iterator(blobs()))
      contents.push_back(read_all(entry));
    EXPECT_EQ(contents.size(), 3u);
    EXPECT_TRUE(std::ranges::find(contents, large_) != contents.end());
  }

  TempFolder folder_;
  const std::string large_ = random_bytes(kLargeBytes, 1);
  std::string token_;
  std::unique_ptr<HubServer> server_;
  hub::HubSettings settings_;
  StopFlag stop_;
  hub::DownloadWatcher watch_;
  hub::HttpClient http_{{.stall_seconds = 1, .connect_seconds = 2, .certificates = {}}};
};

// What hub_server.py is told: `kind` happens to the first `times` requests whose path has `match`.
inline nlohmann::json fault(const char* match, const char* kind, int times,
                            nlohmann::json more = nlohmann::json::object()) {
  more["match"] = match;
  more["kind"] = kind;
  more["times"] = times;
  return more;
}

inline nlohmann::json one(nlohmann::json fault) {
  return nlohmann::json::array({std::move(fault)});
}

}  // namespace reel::test
