// SPDX-License-Identifier: Apache-2.0
// EXPECT_REEL_ERROR(statement, kCode, "words"): the statement throws reel::Error with that code,
// and its two sentences contain the words.
#pragma once

#include <gtest/gtest.h>
#include <reel/error.h>

#include <string>

#define EXPECT_REEL_ERROR(statement, expected_code, words)                              \
  do {                                                                                  \
    try {                                                                               \
      statement;                                                                        \
      ADD_FAILURE() << "no error was thrown by: " #statement;                           \
    } catch (const ::reel::Error& error) {                                              \
      EXPECT_EQ(::reel::error_code_name(error.code()),                                  \
                std::string(::reel::error_code_name(::reel::ErrorCode::expected_code))) \
          << error.what();                                                              \
      const std::string both = std::string(error.what()) + " " + error.hint();          \
      EXPECT_NE(both.find(words), std::string::npos) << "message was: " << both;        \
    }                                                                                   \
  } while (false)
