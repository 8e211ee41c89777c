// SPDX-License-Identifier: Apache-2.0
// Downloads files: several parts at once, resumed, verified.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/stop.h"
#include "hub/file_download.h"

namespace reel::hub {

struct DownloadOptions {
  int connections = 8;  // 1 or more
  RetryOptions retry;
  std::string token;
};

struct DownloadProgress {
  std::string file;  // the last one that was begun, or that is being checked
  size_t files_done = 0, files = 0;
  uint64_t done_bytes = 0, total_bytes = 0;
  uint64_t fetched_bytes = 0;  // by this run, what is fetched twice twice
  bool is_checking = false;    // all bytes are here
};

// Called some ten times a second.
using DownloadWatcher = std::function<void(const DownloadProgress&)>;

// Every file ends at its destination with the digest that it must have, or not at all. Parts that
// have arrived are kept for the next attempt when this one fails or is stopped.
//
// Throws kNetwork, kNotFound, kIo, kBusy, kCancelled: the first that happens, after the others'
// parts were written down. Returns the bytes that were fetched.
uint64_t download(HttpClient& http, std::span<const WantedFile> files,
                  const DownloadOptions& options, const StopFlag& stop,
                  const DownloadWatcher& watch);

}  // namespace reel::hub
