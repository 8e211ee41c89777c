// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace reel::pipeline {

// The commit that this program was built from, "299b1921b2aa" or "299b1921b2aa-dirty"; empty where
// the sources were no git checkout.
std::string source_commit();

}  // namespace reel::pipeline
