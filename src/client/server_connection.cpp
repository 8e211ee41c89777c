// SPDX-License-Identifier: Apache-2.0
#include "client/server_connection.h"

#include <httplib.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace reel::client {
namespace {

constexpr int kConnectSeconds = 10;
constexpr int kReadSeconds = 60;

// "http://host:8000" of "http://host:8000/": what httplib takes.
std::string address_of(const std::string& url) {
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  const size_t begin = url.find("://") + 3;
  const size_t end = url.find('/', is_http ? begin : 0);
  REEL_REQUIRE(is_http && end != begin && url.size() > begin &&
                   (end == std::string::npos || end + 1 == url.size()),
               kInvalidArgument,
               str_cat("--server is \"", url, "\", which is no server's address."),
               "Write it as http://localhost:8000.");
  return url.substr(0, end);
}

// The sentence in {"error": {"message": ...}}, or nothing.
std::string message_of(const std::string& body) {
  const nlohmann::json parsed = nlohmann::json::parse(body, nullptr, false);
  const nlohmann::json::json_pointer place("/error/message");
  const bool has_it = !parsed.is_discarded() && parsed.contains(place) && parsed[place].is_string();
  return has_it ? parsed[place].get<std::string>() : std::string();
}

[[noreturn]] void refuse(int status, const std::string& body, const std::string& url) {
  const std::string told = message_of(body);
  const std::string words = told.empty() ? str_cat("status ", status, '.') : told;
  if (status == 401) {
    fail(ErrorCode::kInvalidArgument, str_cat("The server ", url, " wants a key: ", words),
         "Give it with --api-key, or in REEL_API_KEY.");
  }
  if (status == 429) fail(ErrorCode::kBusy, str_cat("The server ", url, " is busy: ", words));
  if (status == 404) fail(ErrorCode::kNotFound, str_cat("The server ", url, " says: ", words));
  if (status < 500) {
    fail(ErrorCode::kInvalidArgument, str_cat("The server ", url, " refuses: ", words));
  }
  fail(ErrorCode::kNetwork, str_cat("The server ", url, " failed: ", words), "Its log says why.");
}

}  // namespace

struct ServerConnection::Impl {
  std::string url;
  httplib::Client client;
  httplib::Headers headers;

  Impl(const ServerChoice& server) : url(address_of(server.url)), client(url) {
    client.set_connection_timeout(kConnectSeconds);
    client.set_read_timeout(kReadSeconds);
    client.set_keep_alive(true);
    if (!server.api_key.empty()) headers.emplace("Authorization", "Bearer " + server.api_key);
  }

  std::string check(const httplib::Result& result) const {
    if (!result) unreachable(result.error());
    if (result->status != 200) refuse(result->status, result->body, url);
    return result->body;
  }

  [[noreturn]] void unreachable(httplib::Error error) const {
    fail(ErrorCode::kNetwork,
         str_cat("Cannot reach the server ", url, ": ", httplib::to_string(error), '.'),
         "Check the address, and that `reel serve` runs there.");
  }
};

ServerConnection::ServerConnection(const ServerChoice& server)
    : impl_(std::make_unique<Impl>(server)) {}
ServerConnection::~ServerConnection() = default;

std::string ServerConnection::get(const std::string& path) {
  return impl_->check(impl_->client.Get(path, impl_->headers));
}

std::string ServerConnection::post(const std::string& path, const std::string& json) {
  return impl_->check(impl_->client.Post(path, impl_->headers, json, "application/json"));
}

void ServerConnection::remove(const std::string& path) {
  impl_->check(impl_->client.Delete(path, impl_->headers));
}

void ServerConnection::download(const std::string& path, const std::filesystem::path& to,
                                const StopFlag& stop) {
  OutputFile file(to);
  int status = 0;
  std::string refusal;
  const httplib::Result result = impl_->client.Get(
      path, impl_->headers,
      [&](const httplib::Response& head) {
        status = head.status;
        return true;
      },
      [&](const char* bytes, size_t size) {
        if (status == 200) {
          file.write(std::string_view(bytes, size));
        } else {
          refusal.append(bytes, size);
        }
        return !stop.requested();
      });
  stop.check();
  if (!result) impl_->unreachable(result.error());
  if (status != 200) refuse(status, refusal, impl_->url);
  file.commit();
}

}  // namespace reel::client
