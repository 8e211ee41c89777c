// SPDX-License-Identifier: Apache-2.0
// What a call throws, for tests of messages.
#pragma once

#include <gtest/gtest.h>
#include <reel/error.h>

#include <string>

namespace reel::test {

template <typename Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorCode::kInternal, "nothing was thrown"};
}

inline bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

}  // namespace reel::test
