// SPDX-License-Identifier: Apache-2.0
#include "server/http/api_error.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"

namespace reel::server {
namespace {

const char* type_of(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

}  // namespace

std::string error_json(int status, const std::string& message, const std::string& code,
                       const std::string& param) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? nlohmann::json() : nlohmann::json(text);
  };
  return nlohmann::json{{"error",
                         {{"message", message},
                          {"type", type_of(status)},
                          {"param", or_null(param)},
                          {"code", or_null(code)}}}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

HttpResponse error_response(int status, const std::string& message, const std::string& code,
                            const std::string& param) {
  HttpResponse response;
  response.status = status;
  response.body = error_json(status, message, code, param);
  return response;
}

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kBadFile: return 422;
    case ErrorCode::kOutOfMemory: return 507;
    case ErrorCode::kUnsupported: return 501;
    case ErrorCode::kDeviceFailure: return 500;
    case ErrorCode::kIo: return 507;
    case ErrorCode::kNetwork: return 502;
    case ErrorCode::kBusy: return 429;
    case ErrorCode::kCancelled: return 499;
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

HttpResponse error_response(const Error& error) {
  const int status = http_status(error.code());
  const bool may_tell =
      error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kBusy ||
      error.code() == ErrorCode::kOutOfMemory || error.code() == ErrorCode::kUnsupported;
  if (may_tell) {
    return error_response(status, error.what(),
                          error.code() == ErrorCode::kBusy ? "queue_full" : "invalid_value");
  }
  log(LogLevel::kError, str_cat(error.what(), ' ', error.hint()));
  return error_response(status, "The server failed at this request; its log says why.",
                        "server_error");
}

const char* status_words(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Error";
  }
}

}  // namespace reel::server
