// SPDX-License-Identifier: Apache-2.0
#include "cli/seed_range.h"

#include <charconv>

#include "base/error.h"

namespace reel::cli {
namespace {

bool parse_seed(std::string_view text, uint64_t& seed) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, seed);
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

}  // namespace

SeedRange parse_seed_range(std::string_view text) {
  SeedRange range;
  const size_t dots = text.find("..");
  REEL_REQUIRE(parse_seed(text.substr(0, dots), range.first), kInvalidArgument,
               str_cat("--seed is \"", text, "\"; a whole number, 0 or more, is needed."),
               "For several clips write it like 1..8.");
  if (dots == std::string_view::npos) return range;
  uint64_t last = 0;
  REEL_REQUIRE(parse_seed(text.substr(dots + 2), last) && last >= range.first &&
                   last - range.first < uint64_t{kMostClips},
               kInvalidArgument,
               str_cat("--seed is \"", text, "\"; the first and the last of 1 to ", kMostClips,
                       " seeds are needed."),
               "Write it like 1..8.");
  range.count = static_cast<int>(last - range.first) + 1;
  return range;
}

}  // namespace reel::cli
