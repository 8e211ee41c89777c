// SPDX-License-Identifier: Apache-2.0
#include "server/httplib/httplib_client.h"

#include <httplib.h>

namespace reel::server {
namespace {

constexpr int kConnectSeconds = 10;
constexpr int kReadSeconds = 60;

// The library's words for them are single nouns.
std::string in_words(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection: return "nothing answers there";
    case httplib::Error::ConnectionTimeout: return "no connection in 10 s";
    case httplib::Error::Read: return "it broke off, or was silent for 60 s";
    case httplib::Error::Write: return "it broke off";
    default: return httplib::to_string(error);
  }
}

HttpReply reply_of(const httplib::Result& result) {
  if (!result) return {.status = 0, .body = {}, .problem = in_words(result.error())};
  return {.status = result->status, .body = result->body, .problem = {}};
}

class HttplibClient : public HttpClient {
 public:
  explicit HttplibClient(const std::string& url) : client_(url) {
    client_.set_connection_timeout(kConnectSeconds);
    client_.set_read_timeout(kReadSeconds);
    client_.set_keep_alive(true);
  }

  void set_bearer(const std::string& key) override {
    headers_.emplace("Authorization", "Bearer " + key);
  }
  HttpReply get(const std::string& path) override { return reply_of(client_.Get(path, headers_)); }
  HttpReply post(const std::string& path, const std::string& json) override {
    return reply_of(client_.Post(path, headers_, json, "application/json"));
  }
  HttpReply remove(const std::string& path) override {
    return reply_of(client_.Delete(path, headers_));
  }

  HttpReply get(const std::string& path, const Receive& receive) override {
    int status = 0;
    std::string refusal;
    HttpReply reply = reply_of(client_.Get(
        path, headers_,
        [&](const httplib::Response& head) {
          status = head.status;
          return true;
        },
        [&](const char* bytes, size_t size) {
          if (status == 200) return receive(std::string_view(bytes, size));
          refusal.append(bytes, size);
          return true;
        }));
    if (reply.status != 0) reply.body = refusal;
    return reply;
  }

 private:
  httplib::Client client_;
  httplib::Headers headers_;
};

}  // namespace

HttpClient* connect_with_httplib(const std::string& url) { return new HttplibClient(url); }

}  // namespace reel::server
