// SPDX-License-Identifier: Apache-2.0
// Every key of a LightX2V config that concerns text-to-video with Wan2.1, and what Reel does with
// it. docs/LIGHTX2V.md is this table. Source: lightx2v/utils/set_config.py, configs/** and the
// documentation of ModelTC/LightX2V, keys of older releases included.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compat/lightx2v/values.h"

namespace reel::compat::lightx2v {

enum class KeyUse {
  kUsed,      // decides something
  kMemory,    // a hint about memory, which Reel plans by itself
  kNoEffect,  // read by nobody here
  kRefused,   // when it is on: the result would be another one. Off, it says nothing
};

struct Key {
  std::string_view name;
  KeyUse use;
};

std::span<const Key> keys();
const Key* find_key(std::string_view name);
const char* use_name(KeyUse use);  // "used", "memory", "no effect", "refused when on"

// Throws kUnsupported naming the first key that is on and would change the result.
void refuse_what_changes_the_result(const Settings& settings);
// The names of the settings of that use, in order.
std::vector<std::string> names_with(const Settings& settings, KeyUse use);
// Those that LightX2V does not have either. A name that begins with "_" is a remark.
std::vector<std::string> unknown_names(const Settings& settings);

}  // namespace reel::compat::lightx2v
