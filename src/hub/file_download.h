// SPDX-License-Identifier: Apache-2.0
// One file on its way: which part to ask for next, and what an answer means for it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/content_hash.h"
#include "hub/http_client.h"
#include "hub/partial_file.h"
#include "hub/retry.h"

namespace reel::hub {

struct WantedFile {
  std::string name;  // within the repository
  std::string url;
  uint64_t size_bytes = 0;
  ContentId id;
  PartialPlace place;
};

class FileDownload {
 public:
  using Clock = std::chrono::steady_clock;

  // Throws as PartialFile.
  FileDownload(const WantedFile& file, int connections, const RetryOptions& retry,
               std::string token);

  const WantedFile& file() const { return file_; }
  PartialFile& partial() { return partial_; }
  uint64_t done_bytes() const { return partial_.map().done_bytes(); }
  bool is_complete() const { return partial_.map().is_complete(); }
  bool has_running() const { return running_ > 0; }

  // A part that is neither there nor on its way; empty when there is none now.
  std::optional<size_t> next_part(Clock::time_point now) const;
  // The request for it, which counts as on its way from here on. The object must outlive it.
  HttpRequest request(size_t part);
  // What became of it. Throws error_of() when it is of no use to go on. Returns how long everybody
  // should wait, when the server asked for it.
  std::chrono::milliseconds ended(size_t part, const HttpOutcome& outcome);

  // True once: parts under way are of no more use, since the whole is asked for anew.
  bool take_restart();
  // The bytes are not those that the hub promised: once more from the beginning. Throws kNetwork
  // the second time.
  void restart_after_mismatch(const std::string& digest);

 private:
  bool accept(size_t part, const HttpHead& head);
  bool accept_range(size_t part, const HttpHead& head);
  bool accept_whole(size_t part, const HttpHead& head);
  bool is_same_version(size_t part, const HttpHead& head);
  std::string other_size(uint64_t bytes) const;
  void restart(uint64_t part_bytes);
  void count_failure(const HttpOutcome& outcome, Clock::time_point now);

  WantedFile file_;
  RetryOptions retry_;
  std::string token_;
  int connections_;
  PartialFile partial_;
  std::vector<bool> is_running_;
  int running_ = 0;
  bool in_one_piece_ = false;  // the server knows no ranges
  bool wants_restart_ = false;
  int restarts_ = 0, mismatches_ = 0;
  int failures_ = 0;
  uint64_t done_at_failure_ = 0;
  Clock::time_point not_before_{};
  std::string redirected_;  // where the hub sent us, good for a while

  // Why an answer is refused.
  struct Complaint {
    std::string text;
    bool is_hopeless = false;
  };
  std::map<size_t, Complaint> complaints_;  // by part, until it has ended
};

}  // namespace reel::hub
