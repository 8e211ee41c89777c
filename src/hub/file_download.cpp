// SPDX-License-Identifier: Apache-2.0
#include "hub/file_download.h"

#include <algorithm>

#include "base/byte_units.h"
#include "base/error.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

// A failure after so much progress begins a new count.
constexpr uint64_t kProgressBytes = uint64_t{1} << 20;
// A file that changes on the server while it is read.
constexpr int kMostRestarts = 3;

}  // namespace

FileDownload::FileDownload(const WantedFile& file, int connections, const RetryOptions& retry,
                           std::string token)
    : file_(file),
      retry_(retry),
      token_(std::move(token)),
      connections_(connections),
      partial_(file.place, file.size_bytes, connections),
      is_running_(partial_.map().parts()) {}

std::optional<size_t> FileDownload::next_part(Clock::time_point now) const {
  if (now < not_before_ || wants_restart_) return std::nullopt;
  for (size_t part = 0; part < is_running_.size(); ++part) {
    if (!is_running_[part] && !partial_.map().is_complete(part)) return part;
  }
  return std::nullopt;
}

HttpRequest FileDownload::request(size_t part) {
  if (in_one_piece_) partial_.map().clear(part);
  is_running_[part] = true;
  ++running_;
  const PartMap& map = partial_.map();
  const uint64_t begin = map.begin(part) + map.done(part);
  const uint64_t end = map.begin(part) + map.length(part);
  HttpRequest request{.url = redirected_.empty() ? file_.url : redirected_};
  if (origin_of(request.url) == origin_of(file_.url)) request.token = token_;
  if (begin > 0 || end < map.size_bytes()) request.range = ByteRange{begin, end};
  request.on_head = [this, part](const HttpHead& head) { return accept(part, head); };
  request.on_body = [this, part](std::span<const std::byte> bytes) {
    const PartMap& now = partial_.map();
    if (bytes.size() > now.length(part) - now.done(part)) {
      complaints_[part] = {.text = "it sent more bytes than there are"};
      return false;
    }
    partial_.append(part, bytes);
    return true;
  };
  return request;
}

bool FileDownload::accept(size_t part, const HttpHead& head) {
  complaints_.erase(part);
  if (head.status != 200 && head.status != 206) return false;
  if (!is_same_version(part, head)) return false;
  if (!(head.status == 206 ? accept_range(part, head) : accept_whole(part, head))) return false;
  if (redirected_.empty() && head.url != file_.url) redirected_ = head.url;
  return true;
}

bool FileDownload::is_same_version(size_t part, const HttpHead& head) {
  if (!head.linked_etag.empty()) {
    if (head.linked_etag == file_.id.hex) return true;
    complaints_[part] = {.text = "its content is not what the list of files says",
                         .is_hopeless = true};
    return false;
  }
  // Caches behind a redirect have entity tags of their own; the digest is compared at the end.
  if (head.url != file_.url || head.etag.empty()) return true;
  std::string& known = partial_.map().etag;
  if (known.empty()) known = printable(head.etag);
  if (known == printable(head.etag)) return true;
  wants_restart_ = true;
  return false;
}

bool FileDownload::accept_range(size_t part, const HttpHead& head) {
  const PartMap& map = partial_.map();
  const uint64_t begin = map.begin(part) + map.done(part);
  const auto& range = head.content_range;
  if (!range || range->first != begin) {
    complaints_[part] = {.text = "it sent other bytes than those asked for"};
    return false;
  }
  if (range->total_bytes && *range->total_bytes != file_.size_bytes) {
    complaints_[part] = {.text = other_size(*range->total_bytes), .is_hopeless = true};
    return false;
  }
  return true;
}

std::string FileDownload::other_size(uint64_t bytes) const {
  return str_cat("it has ", with_commas(bytes), " bytes there, the list says ",
                 with_commas(file_.size_bytes));
}

bool FileDownload::accept_whole(size_t part, const HttpHead& head) {
  if (head.content_length && *head.content_length != file_.size_bytes) {
    complaints_[part] = {.text = other_size(*head.content_length), .is_hopeless = true};
    return false;
  }
  if (partial_.map().parts() == 1 && partial_.map().done_bytes() == 0) return true;
  in_one_piece_ = true;  // ranges are ignored
  wants_restart_ = true;
  return false;
}

bool FileDownload::take_restart() {
  if (!wants_restart_) return false;
  wants_restart_ = false;
  restart(in_one_piece_ ? std::max<uint64_t>(file_.size_bytes, 1)
                        : PartMap::good_part_bytes(file_.size_bytes, connections_));
  return true;
}

void FileDownload::restart(uint64_t part_bytes) {
  if (++restarts_ > kMostRestarts) {
    fail(ErrorCode::kNetwork,
         str_cat('"', file_.name, "\" changes on the server while it is downloaded."),
         "Try again later.");
  }
  partial_.discard(part_bytes);
  is_running_.assign(partial_.map().parts(), false);
  running_ = 0;
  complaints_.clear();
  done_at_failure_ = 0;
}

void FileDownload::restart_after_mismatch(const std::string& digest) {
  if (++mismatches_ > 1) {
    partial_.discard(PartMap::good_part_bytes(file_.size_bytes, connections_));
    fail(ErrorCode::kNetwork,
         str_cat("What arrives for \"", file_.name, "\" is not what the hub has: its ",
                 name_of(file_.id.kind), " is ", digest, ", not ", file_.id.hex, '.'),
         "Something between the hub and here changes it; try another network or HF_ENDPOINT.");
  }
  redirected_.clear();
  restart(PartMap::good_part_bytes(file_.size_bytes, connections_));
}

std::chrono::milliseconds FileDownload::ended(size_t part, const HttpOutcome& outcome) {
  is_running_[part] = false;
  --running_;
  if (wants_restart_) return {};
  const auto now = Clock::now();
  if (const auto complaint = complaints_.find(part); complaint != complaints_.end()) {
    HttpOutcome refused = outcome;
    refused.problem = str_cat(host_of(outcome.head.url), ": ", complaint->second.text);
    refused.is_hopeless = complaint->second.is_hopeless;
    refused.is_complete = false;
    complaints_.erase(complaint);
    count_failure(refused, now);
    return {};
  }
  const int status = outcome.head.status;
  const bool is_ok = status == 200 || status == 206;
  if (outcome.is_complete && is_ok && partial_.map().is_complete(part)) return {};
  // An address that the hub gave out is good for a while only; it gives another one.
  const bool has_expired =
      outcome.head.url != file_.url && status >= 400 && status < 500 && status != 429;
  if (has_expired) redirected_.clear();
  HttpOutcome failed = outcome;
  if (has_expired || (outcome.is_complete && is_ok)) {
    failed.is_complete = false;
    failed.problem = host_of(outcome.head.url) + (has_expired ? str_cat(" answered HTTP ", status)
                                                              : ": the answer is cut short");
  }
  count_failure(failed, now);
  const bool is_for_all = status == 429 || outcome.head.retry_after_s.has_value();
  return is_for_all ? std::chrono::duration_cast<std::chrono::milliseconds>(not_before_ - now)
                    : std::chrono::milliseconds{};
}

void FileDownload::count_failure(const HttpOutcome& outcome, Clock::time_point now) {
  const uint64_t done = done_bytes();
  if (done >= done_at_failure_ + kProgressBytes) failures_ = 0;
  done_at_failure_ = done;
  const auto delay = retry_delay(outcome, ++failures_, retry_);
  if (!delay) throw error_of(outcome, str_cat("the file \"", file_.name, '"'), !token_.empty());
  not_before_ = std::max(not_before_, now + *delay);
}

}  // namespace reel::hub
