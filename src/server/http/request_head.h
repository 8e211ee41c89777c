// SPDX-License-Identifier: Apache-2.0
// The first lines of an HTTP/1.1 request, read strictly: what two programs could read in two ways
// is refused (RFC 9112, sections 2 to 6 and 11).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reel::server {

constexpr size_t kMostHeadBytes = 16384;
constexpr size_t kLongestTarget = 512;
constexpr size_t kMostHeaders = 64;

struct RequestHead {
  std::string method, target;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  size_t content_bytes = 0;
  bool keeps_alive = true;
  bool awaits_continue = false;  // sends its body after "100 Continue"

  // Empty when there is none.
  std::string header(std::string_view name) const;
};

// Why it is refused.
struct HeadProblem {
  int status = 400;
  std::string message;
};

// `text` is what stands before the empty line, without it. Nothing on success.
std::optional<HeadProblem> read_head(std::string_view text, size_t most_content_bytes,
                                     RequestHead& head);

}  // namespace reel::server
