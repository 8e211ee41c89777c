// SPDX-License-Identifier: Apache-2.0
#include "hub/retry.h"

#include <algorithm>

#include "hub/names.h"

namespace reel::hub {
namespace {

using std::chrono::milliseconds;

std::string with_message(const std::string& text, const HttpHead& head) {
  const std::string message = printable(head.error_message);
  return message.empty() ? text + '.' : text + ": " + message + '.';
}

Error access_error(const HttpHead& head, const std::string& host, const std::string& what,
                   bool has_token) {
  const std::string said =
      with_message(str_cat(host, " does not give ", what, " (HTTP ", head.status, ')'), head);
  return {ErrorCode::kNetwork, said,
          has_token ? "Open its page in a browser: its terms may have to be accepted, or the token "
                      "in HF_TOKEN may not reach so far."
                    : "If it is not public, set HF_TOKEN to a token of yours."};
}

}  // namespace

bool is_worth_retrying(const HttpOutcome& outcome) {
  if (!outcome.is_complete && !outcome.problem.empty()) return !outcome.is_hopeless;
  const int status = outcome.head.status;
  return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
}

std::optional<milliseconds> retry_delay(const HttpOutcome& outcome, int failures,
                                        const RetryOptions& options) {
  if (failures >= options.attempts || !is_worth_retrying(outcome)) return std::nullopt;
  const int doublings = std::min(failures - 1, 10);
  const milliseconds own = std::min(options.first_delay * (1 << doublings), options.longest_delay);
  const int asked = outcome.problem.empty() ? outcome.head.retry_after_s.value_or(0) : 0;
  if (asked > options.longest_wait.count()) return std::nullopt;
  return std::max(own, milliseconds(std::chrono::seconds(std::max(asked, 0))));
}

Error error_of(const HttpOutcome& outcome, const std::string& what, bool has_token) {
  if (!outcome.problem.empty()) {
    return {
        ErrorCode::kNetwork, str_cat("Cannot get ", what, " (", outcome.problem, ")."),
        outcome.is_hopeless
            ? "Check HF_ENDPOINT; where it is a certificate that is not trusted, CURL_CA_BUNDLE "
              "may name one that is."
            : "Check the network, and HF_ENDPOINT and the proxy variables if they are set."};
  }
  const HttpHead& head = outcome.head;
  const std::string host = host_of(head.url);
  // The hub answers 401 for what does not exist, to whom it does not know.
  const bool is_absent = head.status == 404 || head.status == 410 ||
                         head.error_code == "RepoNotFound" || head.error_code == "EntryNotFound" ||
                         head.error_code == "RevisionNotFound";
  if (is_absent) {
    return {ErrorCode::kNotFound, str_cat(host, " has not ", what, ", or it is private."),
            has_token ? "Check the spelling, and what the token in HF_TOKEN may read."
                      : "Check the spelling; for a private one set HF_TOKEN."};
  }
  if (head.status == 401 || head.status == 403) return access_error(head, host, what, has_token);
  if (head.status == 429) {
    const int wait = head.retry_after_s.value_or(0);
    return {ErrorCode::kNetwork,
            str_cat(host, " gets too many requests from here (HTTP 429)",
                    wait > 0 ? str_cat(" and asks to wait ", wait, " s.") : "."),
            has_token ? "Try again later." : "Try again later; with HF_TOKEN the limit is higher."};
  }
  return {ErrorCode::kNetwork,
          with_message(str_cat(host, " answered HTTP ", head.status, " for ", what), head),
          "Try again later."};
}

}  // namespace reel::hub
