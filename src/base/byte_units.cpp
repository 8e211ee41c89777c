// SPDX-License-Identifier: Apache-2.0
#include "base/byte_units.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/error.h"

namespace reel {
namespace {

constexpr double kKiB = 1024.0;

// The power of 1024 that a unit letter stands for; -1 when it is no unit.
int unit_power(std::string_view unit) {
  if (unit.empty()) return 0;
  const char letter = static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0])));
  const std::string_view rest = unit.substr(1);
  const bool tail_ok = rest.empty() || rest == "B" || rest == "b" || rest == "iB" || rest == "ib";
  if (letter == 'B' && rest.empty()) return 0;
  if (!tail_ok) return -1;
  switch (letter) {
    case 'K': return 1;
    case 'M': return 2;
    case 'G': return 3;
    case 'T': return 4;
    default: return -1;
  }
}

}  // namespace

uint64_t parse_bytes(std::string_view text) {
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  int power = unit_power(unit);
  if (unit.empty() && value < kKiB) power = 3;
  const double bytes = value * std::pow(kKiB, power);
  REEL_REQUIRE(status == std::errc{} && power >= 0 && value >= 0 && bytes < 9e18, kInvalidArgument,
               str_cat("\"", text, "\" is not a size in bytes."), "Write it like 12GiB or 800MiB.");
  return static_cast<uint64_t>(bytes);
}

std::string format_bytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  int power = 0;
  while (value >= kKiB && power < 4) {
    value /= kKiB;
    ++power;
  }
  char text[40];
  std::snprintf(text, sizeof text, power == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[power]);
  return text;
}

std::string with_commas(uint64_t value) {
  std::string digits = std::to_string(value);
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), 1, ',');
  }
  return digits;
}

}  // namespace reel
