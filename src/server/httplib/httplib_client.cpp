// SPDX-License-Identifier: Apache-2.0
#include "server/httplib/httplib_client.h"

#include <httplib.h>

namespace reel::server {
namespace {

constexpr int kConnectSeconds = 10;
constexpr int kReadSeconds = 60;

HttpReply reply_of(const httplib::Result& result) {
  if (!result) return {.status = 0, .body = {}, .problem = httplib::to_string(result.error())};
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
