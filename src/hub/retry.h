// SPDX-License-Identifier: Apache-2.0
// When a request is tried again, and what is said when it is not.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/error.h"
#include "hub/http_client.h"

namespace reel::hub {

struct RetryOptions {
  int attempts = 6;  // without progress between them
  std::chrono::milliseconds first_delay{1000};
  std::chrono::milliseconds longest_delay{30'000};
  // A server that asks for more than this is told to the user instead.
  std::chrono::seconds longest_wait{300};
};

// Broken connections, and the statuses of a server that is busy or ill.
bool is_worth_retrying(const HttpOutcome& outcome);

// How long to wait before one more attempt after `failures` in a row (1 or more): doubling, or what
// the server asks for. Empty when the attempts are used up or it asks for too long.
std::optional<std::chrono::milliseconds> retry_delay(const HttpOutcome& outcome, int failures,
                                                     const RetryOptions& options);

// What a failed request for `what` ("the file \"config.json\"") means to a user, with `has_token`.
// kNotFound for 404, kNetwork for the others.
Error error_of(const HttpOutcome& outcome, const std::string& what, bool has_token);

}  // namespace reel::hub
