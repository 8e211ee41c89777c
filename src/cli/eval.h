// SPDX-License-Identifier: Apache-2.0
// The two ways `reel eval` shows a report.
#pragma once

#include <reel/eval.h>

#include <string>

namespace reel::cli {

// A row per block, then the velocity and the latents, then a line per path with its verdict.
std::string eval_table(const EvalReport& report);
// As docs/NUMERICS.md lists the fields. A number that is not finite becomes null.
std::string eval_json(const EvalReport& report);

}  // namespace reel::cli
