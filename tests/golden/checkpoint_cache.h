// SPDX-License-Identifier: Apache-2.0
// The checkpoints that golden cases belong to, each made once per test program.
#pragma once

#include <filesystem>

#include "golden/golden_case.h"

namespace reel::test {

// The checkpoint's folder. Throws kBadFile when its bytes are not those that the reference saw:
// then reel synth has changed, not a network, and tools/reference/goldens.py has to run again.
std::filesystem::path checkpoint_folder(const GoldenCase& golden);

}  // namespace reel::test
