// SPDX-License-Identifier: Apache-2.0
// Several HTTP requests at once, on one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hub/http_head.h"

namespace reel::hub {

struct ByteRange {
  uint64_t begin = 0, end = 0;  // `end` is the first byte after it
};

struct HttpRequest {
  std::string url;
  // Sent to the scheme, host and port of `url`, and to no other after a redirect.
  std::string token;
  std::optional<ByteRange> range;
  // After redirects. False: the body is not wanted, and the request ends.
  std::function<bool(const HttpHead&)> on_head;
  std::function<bool(std::span<const std::byte>)> on_body;
};

struct HttpOutcome {
  uint64_t id = 0;
  HttpHead head;
  bool is_complete = false;  // the answer arrived to its end, whatever its status
  std::string problem;       // why it is not complete; empty when a callback ended it
  bool is_hopeless = false;  // no use to try again: an address or a certificate that is wrong
};

struct HttpOptions {
  int stall_seconds = 30;  // a connection on which nothing moves for so long is given up
  int connect_seconds = 20;
  std::string certificates;  // a file of trusted ones, instead of the system's
};

// Redirects are followed, but not from https to http. Proxies are libcurl's: HTTPS_PROXY,
// https_proxy, http_proxy, ALL_PROXY, NO_PROXY.
class HttpClient {
 public:
  // Throws kUnsupported without libcurl.
  explicit HttpClient(const HttpOptions& options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Returns the number by which its outcome is known. Exceptions of the callbacks come out of
  // poll().
  uint64_t start(HttpRequest request);
  void cancel(uint64_t id);
  size_t running() const;
  // Works until something has ended, or that long.
  std::vector<HttpOutcome> poll(std::chrono::milliseconds limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "https://huggingface.co:443": what two addresses share when a token for one may go to the other.
// Empty for what is no http or https address.
std::string origin_of(const std::string& url);
// "huggingface.co", for messages.
std::string host_of(const std::string& url);

}  // namespace reel::hub
