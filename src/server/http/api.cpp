// SPDX-License-Identifier: Apache-2.0
#include "server/http/api.h"

#include <algorithm>
#include <exception>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "server/http/api_error.h"

namespace reel::server {
namespace {

bool has_header(const HttpResponse& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](const auto& header) { return header.first == name; });
}

}  // namespace

HttpResponse Api::dispatch(HttpRequest& request) const {
  if (auto refusal = gate_.check_origin(request)) return *std::move(refusal);
  PathValues path;
  const Route* route = router_.find(request, path);
  if (route == nullptr) {
    const std::string methods = router_.methods_of(request.path);
    if (methods.empty()) return error_response(404, "There is nothing here.", "not_found");
    HttpResponse response;
    response.status = 204;
    if (request.method != "OPTIONS") {
      response = error_response(405, str_cat("Possible here: ", methods, '.'));
    }
    response.headers.emplace_back("Allow", methods + ", OPTIONS");
    return response;
  }
  if (!route->is_open) {
    if (auto refusal = gate_.check_key(request)) return *std::move(refusal);
  }
  return route->handler(request, path);
}

RequestFigures Api::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

HttpResponse Api::answer(HttpRequest request, const std::function<int()>& retry_after_s) {
  HttpResponse response;
  try {
    response = dispatch(request);
  } catch (const ApiError& error) {
    response = error_response(error.status, error.message, error.code, error.param);
  } catch (const Error& error) {
    response = error_response(error);
  } catch (const std::exception& error) {
    response = error_response(Error(ErrorCode::kInternal, error.what()));
  }
  if (response.status == 429 || response.status == 503) {
    response.headers.emplace_back("Retry-After", std::to_string(retry_after_s()));
  }
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  if (!has_header(response, "Cache-Control")) {
    response.headers.emplace_back("Cache-Control", "no-store");
  }
  gate_.add_cors(request, response);
  {
    const std::lock_guard lock(mutex_);
    ++figures_.by_status[response.status];
  }
  log_debug(str_cat(request.peer, ' ', request.method, ' ', request.path, ' ', response.status));
  return response;
}

}  // namespace reel::server
