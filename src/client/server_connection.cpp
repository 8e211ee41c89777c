// SPDX-License-Identifier: Apache-2.0
#include "client/server_connection.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "server/http/http_client.h"

namespace reel::client {
namespace {

// "http://host:8000" of "http://host:8000/": no path below it.
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
  std::unique_ptr<server::HttpClient> client;

  explicit Impl(const ServerChoice& server)
      : url(address_of(server.url)), client(server::HttpClient::connect(url)) {
    if (!server.api_key.empty()) client->set_bearer(server.api_key);
  }

  std::string check(const server::HttpReply& reply) const {
    REEL_REQUIRE(reply.status != 0, kNetwork,
                 str_cat("Cannot reach the server ", url, ": ", reply.problem, '.'),
                 "Check the address, and that `reel serve` runs there.");
    if (reply.status != 200) refuse(reply.status, reply.body, url);
    return reply.body;
  }
};

ServerConnection::ServerConnection(const ServerChoice& server)
    : impl_(std::make_unique<Impl>(server)) {}
ServerConnection::~ServerConnection() = default;

std::string ServerConnection::get(const std::string& path) {
  return impl_->check(impl_->client->get(path));
}

std::string ServerConnection::post(const std::string& path, const std::string& json) {
  return impl_->check(impl_->client->post(path, json));
}

void ServerConnection::remove(const std::string& path) {
  impl_->check(impl_->client->remove(path));
}

void ServerConnection::download(const std::string& path, const std::filesystem::path& to,
                                const StopFlag& stop) {
  OutputFile file(to);
  const server::HttpReply reply = impl_->client->get(path, [&](std::string_view piece) {
    file.write(piece);
    return !stop.requested();
  });
  stop.check();
  impl_->check(reply);
  file.commit();
}

}  // namespace reel::client
