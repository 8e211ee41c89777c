// SPDX-License-Identifier: Apache-2.0
#include "server/http/form_data.h"

#include <gtest/gtest.h>

namespace reel::server {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=b";

std::string part(const std::string& disposition, const std::string& value) {
  return "--b\r\nContent-Disposition: form-data" + disposition + "\r\n\r\n" + value + "\r\n";
}

TEST(FormData, GivesThePartsInOrder) {
  const auto parts =
      read_form("Multipart/Form-Data; charset=utf-8; Boundary=\"b\"",
                part("; name=\"prompt\"", "a\r\nball --b") +
                    "--b\r\nContent-Type: image/png\r\ncontent-disposition: "
                    "form-data; name=\"f\"; filename=\"x.png\"\r\n\r\n\r\n--b--\r\n");

  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].name, "prompt");
  EXPECT_EQ((*parts)[0].value, "a\r\nball --b");
  EXPECT_FALSE((*parts)[0].is_file);
  EXPECT_EQ((*parts)[1].name, "f");
  EXPECT_EQ((*parts)[1].value, "");
  EXPECT_TRUE((*parts)[1].is_file);
}

TEST(FormData, RefusesWhatIsMalformed) {
  const std::string good = part("; name=\"a\"", "1");
  ASSERT_TRUE(read_form(kType, good + "--b--"));
  for (const std::string& body :
       {std::string(), good, std::string("--b"), std::string("--b\r\n"), good + "--b",
        std::string("--c\r\n") + good + "--b--", part("", "1") + "--b--",
        part("; name=\"a", "1") + "--b--", std::string("--b\r\n\r\n1\r\n--b--"),
        std::string("--bx\r\n\r\n1\r\n--b--")}) {
    EXPECT_FALSE(read_form(kType, body)) << body;
  }
  EXPECT_FALSE(read_form("multipart/form-data", good + "--b--"));
  EXPECT_FALSE(read_form("multipart/form-data; boundary=", good + "--b--"));
}

TEST(FormData, LimitsItsParts) {
  std::string body;
  for (size_t at = 0; at < kMostFormParts; ++at) body += part("; name=\"a\"", "1");
  EXPECT_TRUE(read_form(kType, body + "--b--"));
  EXPECT_FALSE(read_form(kType, body + part("; name=\"a\"", "1") + "--b--"));
}

// cpp-httplib's own parser matches such a line with a regex, letter by letter down the stack.
TEST(FormData, TakesHeadersOfAnyLength) {
  const std::string name(200'000, 'a');
  const auto parts = read_form(kType, part("; name=\"" + name + "\"", "1") + "--b--");
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[0].name.size(), name.size());
}

}  // namespace
}  // namespace reel::server
