// SPDX-License-Identifier: Apache-2.0
// How the library raises an Error: one macro, one function, one string builder.
#pragma once

#include <reel/error.h>

#include <sstream>
#include <string>

namespace reel {

[[noreturn]] void fail(ErrorCode code, std::string what, std::string hint = {});

// Joins anything that can be streamed: str_cat("rows ", 3, " of ", shape).
template <typename... Parts>
std::string str_cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

}  // namespace reel

// For conditions a caller can break. The message is built only on failure.
//   REEL_REQUIRE(condition, kCode, what[, hint])
#define REEL_REQUIRE(condition, code, ...)                \
  do {                                                    \
    if (!(condition)) [[unlikely]]                        \
      ::reel::fail(::reel::ErrorCode::code, __VA_ARGS__); \
  } while (false)
