// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/values.h"

#include "unit/compat/lightx2v/error_of.h"

namespace reel::compat::lightx2v {
namespace {

using nlohmann::json;
using test::contains;
using test::error_of;

Settings one(const char* value) { return {{"key", {json::parse(value), "my.json"}}}; }

TEST(Values, NullAndAbsentAreTheSame) {
  EXPECT_FALSE(text_of(one("null"), "key").has_value());
  EXPECT_FALSE(flag_of({}, "key").has_value());
  EXPECT_FALSE(number_of(one("null"), "key").has_value());
  EXPECT_FALSE(whole_number_of({}, "key").has_value());
  EXPECT_TRUE(whole_numbers_of(one("null"), "key").empty());
}

TEST(Values, EachTypeIsRead) {
  EXPECT_EQ(text_of(one("\"a\""), "key"), "a");
  EXPECT_EQ(flag_of(one("true"), "key"), true);
  EXPECT_EQ(flag_of(one("0"), "key"), false);
  EXPECT_EQ(number_of(one("5"), "key"), 5.0f);
  EXPECT_EQ(number_of(one("0.5"), "key"), 0.5f);
  EXPECT_EQ(whole_number_of(one("-2147483648"), "key"), -2147483647 - 1);
  EXPECT_EQ(whole_numbers_of(one("[1000, 500]"), "key"), (std::vector{1000, 500}));
}

TEST(Values, AnotherTypeIsRefusedByNameAndValue) {
  struct Row {
    const char* value;
    void (*read)(const Settings&);
    const char* words;
  };
  const auto text = [](const Settings& s) { (void)text_of(s, "key"); };
  const auto flag = [](const Settings& s) { (void)flag_of(s, "key"); };
  const auto number = [](const Settings& s) { (void)number_of(s, "key"); };
  const auto whole = [](const Settings& s) { (void)whole_number_of(s, "key"); };
  const auto list = [](const Settings& s) { (void)whole_numbers_of(s, "key"); };
  const Row rows[] = {
      {"5", text, "is 5; a text in quotes is needed"},
      {"\"true\"", flag, "is \"true\"; true or false is needed"},
      {"2", flag, "is 2; true or false"},
      {"\"five\"", number, "is \"five\"; a number is needed"},
      {"1e39", number, "fits 32 bits"},
      {"4.5", whole, "is 4.5; a whole number is needed"},
      {"2147483648", whole, "a whole number is needed"},
      {"18446744073709551615", whole, "a whole number is needed"},
      {"-9223372036854775808", whole, "a whole number is needed"},
      {"4", list, "a list of 1 to 1000 whole numbers is needed"},
      {"[]", list, "a list of 1 to 1000"},
      {"[1000, \"\\u001b[31m\"]", list, "a list of whole numbers is needed"},
  };
  for (const Row& row : rows) {
    const Error error = error_of([&] { row.read(one(row.value)); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << row.value;
    EXPECT_TRUE(contains(error.what(), std::string("key (my.json) is "))) << error.what();
    EXPECT_TRUE(contains(error.what(), row.words)) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\x1b'), std::string::npos);
  }
}

TEST(Values, ALongValueIsCutInAMessage) {
  const json many(std::vector<int>(1001, 7));

  const std::string message = error_of([&] {
                                (void)whole_numbers_of({{"key", {many, "my.json"}}}, "key");
                              }).what();

  EXPECT_LT(message.size(), 200u);
}

}  // namespace
}  // namespace reel::compat::lightx2v
