// SPDX-License-Identifier: Apache-2.0
// Which of several networks of one kind is meant.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "checkpoint/candidates.h"

namespace reel::checkpoint {

// The least is chosen, of equals the first. `variant` is OpenOptions::variant.
std::tuple<bool, int64_t, bool, int64_t> rank_of(const Candidate& candidate,
                                                 const std::string& variant);

}  // namespace reel::checkpoint
