// SPDX-License-Identifier: Apache-2.0
// Settings under LightX2V's keys, each with the place it came from, read as the type they must be.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace reel::compat::lightx2v {

struct Setting {
  nlohmann::json value;
  std::string origin;  // "--model_cls", "my.json", "--set": for messages
};

// Null stands for absent, as None does in LightX2V.
using Settings = std::map<std::string, Setting, std::less<>>;

const Setting* find(const Settings& settings, std::string_view key);
// `sample_shift (in "my.json") is "five"`: how a message about a value begins.
std::string described(std::string_view key, const Setting& setting);

// Each throws kInvalidArgument naming key, origin and value when it is of another type.
std::optional<std::string> text_of(const Settings& settings, std::string_view key);
std::optional<bool> flag_of(const Settings& settings, std::string_view key);  // 0 and 1 too
std::optional<float> number_of(const Settings& settings, std::string_view key);
std::optional<int> whole_number_of(const Settings& settings, std::string_view key);
std::vector<int> whole_numbers_of(const Settings& settings, std::string_view key);

}  // namespace reel::compat::lightx2v
