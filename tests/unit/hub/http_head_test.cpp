// SPDX-License-Identifier: Apache-2.0
#include "hub/http_head.h"

#include <gtest/gtest.h>

namespace reel::hub {
namespace {

HttpHead head_of(std::initializer_list<const char*> lines) {
  HttpHead head;
  for (const char* line : lines) head.add_line(std::string(line) + "\r\n");
  return head;
}

TEST(HttpHead, ReadsWhatADownloadNeeds) {
  const HttpHead head =
      head_of({"HTTP/1.1 206 Partial Content", "content-length:  100", "ETag: W/\"abc\"",
               "Content-Range: bytes 100-199/1000", "Retry-After: 7", "X-Error-Code: GatedRepo"});
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.content_length, 100u);
  EXPECT_EQ(head.etag, "abc");
  ASSERT_TRUE(head.content_range.has_value());
  EXPECT_EQ(head.content_range->first, 100u);
  EXPECT_EQ(head.content_range->last, 199u);
  EXPECT_EQ(head.content_range->total_bytes, 1000u);
  EXPECT_EQ(head.retry_after_s, 7);
  EXPECT_EQ(head.error_code, "GatedRepo");
  EXPECT_FALSE(head.is_redirect());
}

TEST(HttpHead, ANewStatusLineBeginsAnewButForTheDigest) {
  const HttpHead head = head_of({"HTTP/1.1 302 Found", "Location: /a", "X-Linked-Etag: \"d1\"",
                                 "Content-Length: 5", "HTTP/2 200", "ETag: \"other\""});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.linked_etag, "d1");
  EXPECT_EQ(head.location, "");
  EXPECT_FALSE(head.content_length.has_value());
}

TEST(HttpHead, LeavesOutWhatMakesNoSense) {
  for (const char* range : {"bytes 5-4/9", "bytes -1-4/9", "bytes a-b/c", "bytes 1/2-3", "5-6/7",
                            "bytes 0-99999999999999999999/9", "bytes"}) {
    const HttpHead head =
        head_of({"HTTP/1.1 206 x", (std::string("Content-Range: ") + range).c_str()});
    EXPECT_FALSE(head.content_range.has_value()) << range;
  }
  const HttpHead head =
      head_of({"HTTP/1.1 x", "Content-Length: -1", "Retry-After: Wed, 21 Oct 2026", "no colon",
               "Content-Range: bytes 0-1/*"});
  EXPECT_EQ(head.status, 0);
  EXPECT_FALSE(head.content_length.has_value());
  EXPECT_FALSE(head.retry_after_s.has_value());
  EXPECT_FALSE(head.content_range->total_bytes.has_value());
}

}  // namespace
}  // namespace reel::hub
