// SPDX-License-Identifier: Apache-2.0
// What an HTTP answer says before its body.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reel::hub {

// "Content-Range: bytes 0-1023/4096"
struct ContentRange {
  uint64_t first = 0, last = 0;         // both of them included
  std::optional<uint64_t> total_bytes;  // empty for "*"
};

struct HttpHead {
  int status = 0;
  std::string url;  // where the answer came from, after redirects
  std::optional<uint64_t> content_length;
  std::optional<ContentRange> content_range;
  std::optional<int> retry_after_s;
  std::string etag;         // without its quotes
  std::string linked_etag;  // X-Linked-Etag of the hub: the file's digest; kept over redirects
  std::string link;         // the Link header
  std::string location;
  std::string error_code, error_message;  // X-Error-Code and X-Error-Message of the hub

  // Takes one line of the header. A status line begins anew, but for what redirects keep.
  void add_line(std::string_view line);
  bool is_redirect() const { return status >= 300 && status < 400 && !location.empty(); }
};

}  // namespace reel::hub
