// SPDX-License-Identifier: Apache-2.0
// The environment variables that LightX2V's scripts set. Source: lightx2v/utils/envs.py and
// scripts/base/base.sh of ModelTC/LightX2V.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reel::compat::lightx2v {

using GetVariable = std::function<std::optional<std::string>(const char* name)>;

// Those that change nothing here whatever they say. CUDA_VISIBLE_DEVICES is not one: the driver
// obeys it.
std::span<const char* const> ignored_variables();

// The ignored ones that are set to something else than Reel does. Throws kUnsupported under
// torchrun with several processes: each would make the same clip.
std::vector<std::string> check_environment(const GetVariable& get);

}  // namespace reel::compat::lightx2v
