// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/source_commit.h"

#include "source_commit_generated.h"

namespace reel::pipeline {

std::string source_commit() { return REEL_SOURCE_COMMIT; }

}  // namespace reel::pipeline
