// SPDX-License-Identifier: Apache-2.0
// Networks that look like ours and are not.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/candidates.h"

namespace reel::checkpoint {

// What the candidate is, as one sentence with its evidence; nothing for networks that run here.
std::optional<std::string> refusal_of(const Candidate& candidate);

// What to use instead.
const char* runs_instead(Network network);

}  // namespace reel::checkpoint
