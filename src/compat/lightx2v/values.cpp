// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/values.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "formats/quoted.h"

namespace reel::compat::lightx2v {
namespace {

using nlohmann::json;

// Values come from a file of a stranger: short, and without control bytes.
std::string shown(const json& value) {
  if (value.is_string()) return formats::quoted_name(value.get<std::string>());
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  constexpr size_t kMostLetters = 60;
  if (text.size() > kMostLetters) text = text.substr(0, kMostLetters) + "...";
  return text;
}

[[noreturn]] void refuse(std::string_view key, const Setting& setting, const char* needed) {
  fail(ErrorCode::kInvalidArgument, str_cat(described(key, setting), "; ", needed, " is needed."),
       "docs/LIGHTX2V.md lists every key.");
}

std::optional<int> whole(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  // A number above 2^63 is kept as an unsigned one.
  if (value.is_number_unsigned() && value.get<uint64_t>() > std::numeric_limits<int>::max()) {
    return std::nullopt;
  }
  const auto number = value.get<int64_t>();
  if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max()) {
    return std::nullopt;
  }
  return static_cast<int>(number);
}

}  // namespace

const Setting* find(const Settings& settings, std::string_view key) {
  const auto found = settings.find(key);
  return found == settings.end() || found->second.value.is_null() ? nullptr : &found->second;
}

std::string described(std::string_view key, const Setting& setting) {
  return str_cat(key, " (", setting.origin, ") is ", shown(setting.value));
}

std::optional<std::string> text_of(const Settings& settings, std::string_view key) {
  const Setting* setting = find(settings, key);
  if (setting == nullptr) return std::nullopt;
  if (!setting->value.is_string()) refuse(key, *setting, "a text in quotes");
  return setting->value.get<std::string>();
}

std::optional<bool> flag_of(const Settings& settings, std::string_view key) {
  const Setting* setting = find(settings, key);
  if (setting == nullptr) return std::nullopt;
  if (setting->value.is_boolean()) return setting->value.get<bool>();
  const auto number = whole(setting->value);
  if (!number || (*number != 0 && *number != 1)) refuse(key, *setting, "true or false");
  return *number == 1;
}

std::optional<float> number_of(const Settings& settings, std::string_view key) {
  const Setting* setting = find(settings, key);
  if (setting == nullptr) return std::nullopt;
  if (!setting->value.is_number()) refuse(key, *setting, "a number");
  const auto number = static_cast<float>(setting->value.get<double>());
  if (!std::isfinite(number)) refuse(key, *setting, "a number that fits 32 bits");
  return number;
}

std::optional<int> whole_number_of(const Settings& settings, std::string_view key) {
  const Setting* setting = find(settings, key);
  if (setting == nullptr) return std::nullopt;
  const auto number = whole(setting->value);
  if (!number) refuse(key, *setting, "a whole number");
  return number;
}

std::vector<int> whole_numbers_of(const Settings& settings, std::string_view key) {
  const Setting* setting = find(settings, key);
  if (setting == nullptr) return {};
  std::vector<int> numbers;
  constexpr size_t kMost = 1000;
  if (!setting->value.is_array() || setting->value.empty() || setting->value.size() > kMost) {
    refuse(key, *setting, "a list of 1 to 1000 whole numbers");
  }
  for (const json& value : setting->value) {
    const auto number = whole(value);
    if (!number) refuse(key, *setting, "a list of whole numbers");
    numbers.push_back(*number);
  }
  return numbers;
}

}  // namespace reel::compat::lightx2v
