// SPDX-License-Identifier: Apache-2.0
#include "hub/hub_api.h"

#include <algorithm>
#include <set>

#include "base/byte_units.h"
#include "base/error.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

constexpr std::chrono::milliseconds kApiTick{50};
constexpr int kMostPages = 200;

}  // namespace

void wait_unless_stopped(HttpClient& http, std::chrono::milliseconds time, const StopFlag& stop) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    stop.check();
    http.poll(kApiTick);
  }
}

HubApi::HubApi(HttpClient& http, HubSettings settings, RetryOptions retry, const StopFlag& stop)
    : http_(http), settings_(std::move(settings)), retry_(retry), stop_(stop) {}

HubApi::Answer HubApi::get(const std::string& url, const std::string& what) {
  for (int failures = 1;; ++failures) {
    Answer answer;
    http_.start({.url = url,
                 .token = settings_.token,
                 .on_head = [](const HttpHead& head) { return head.status == 200; },
                 .on_body =
                     [&](std::span<const std::byte> bytes) {
                       REEL_REQUIRE(answer.text.size() + bytes.size() <= kMostAnswerBytes, kBadFile,
                                    str_cat("The list of ", what, " is longer than ",
                                            format_bytes(kMostAnswerBytes), '.'));
                       answer.text.append(reinterpret_cast<const char*>(bytes.data()),
                                          bytes.size());
                       return true;
                     }});
    std::vector<HttpOutcome> outcomes;
    while (outcomes.empty()) {
      stop_.check();
      outcomes = http_.poll(kApiTick);
    }
    const HttpOutcome& outcome = outcomes[0];
    if (outcome.is_complete && outcome.head.status == 200) {
      answer.next_page = next_page(outcome.head.link);
      return answer;
    }
    const auto delay = retry_delay(outcome, failures, retry_);
    if (!delay) throw error_of(outcome, what, !settings_.token.empty());
    wait_unless_stopped(http_, *delay, stop_);
  }
}

Listing HubApi::list(const std::string& repository, const std::string& revision) {
  REEL_REQUIRE(is_revision(revision), kInvalidArgument,
               str_cat("The revision is \"", printable(revision),
                       "\"; a branch, a tag or a commit is needed."));
  const std::string what = str_cat('"', repository, '"');
  const std::string source = str_cat(host_of(settings_.endpoint), ", asked for ", what, ',');
  const std::string api = str_cat(settings_.endpoint, "/api/models/", repository);
  Listing listing{.repository = repository, .revision = revision, .commit = {}, .files = {}};
  listing.commit = read_commit(
      get(str_cat(api, "/revision/", url_encoded(revision, false)),
          revision == "main" ? what : str_cat(what, " at revision \"", printable(revision), '"'))
          .text,
      source);

  std::string page = str_cat(api, "/tree/", listing.commit, "?recursive=true&expand=false");
  for (int pages = 0; !page.empty(); ++pages) {
    const Answer answer = get(page, what);
    std::ranges::move(read_tree_page(answer.text, source), std::back_inserter(listing.files));
    page = answer.next_page;
    REEL_REQUIRE(pages < kMostPages && listing.files.size() <= kMostFiles, kBadFile,
                 str_cat("The list of ", what, " does not end."));
    REEL_REQUIRE(page.empty() || origin_of(page) == origin_of(settings_.endpoint), kBadFile,
                 str_cat(source, " continues its list on another host."));
  }
  std::ranges::sort(listing.files, {}, &RemoteFile::path);
  const auto twice = std::ranges::adjacent_find(listing.files, {}, &RemoteFile::path);
  REEL_REQUIRE(twice == listing.files.end(), kBadFile,
               str_cat(source, " lists \"", printable(twice->path), "\" twice."));
  return listing;
}

std::string HubApi::file_url(const Listing& listing, const std::string& path) const {
  return str_cat(settings_.endpoint, '/', listing.repository, "/resolve/", listing.commit, '/',
                 url_encoded(path, true));
}

}  // namespace reel::hub
