// SPDX-License-Identifier: Apache-2.0
// Errors in the form that OpenAI's clients read:
// {"error": {"message", "type", "param", "code"}}.
#pragma once

#include <reel/error.h>

#include <exception>
#include <string>
#include <utility>

#include "server/http/http_types.h"

namespace reel::server {

// `code` and `param` may be empty.
std::string error_json(int status, const std::string& message, const std::string& code,
                       const std::string& param = {});
HttpResponse error_response(int status, const std::string& message, const std::string& code = {},
                            const std::string& param = {});

// Thrown by what reads requests: becomes the answer.
struct ApiError : std::exception {
  ApiError(int of_status, std::string text, std::string of_code = {}, std::string field = {})
      : status(of_status),
        message(std::move(text)),
        code(std::move(of_code)),
        param(std::move(field)) {}
  const char* what() const noexcept override { return message.c_str(); }

  int status;
  std::string message, code, param;
};

int http_status(ErrorCode code);
// Of what the service threw: what the client can change is told, the rest is for the log.
HttpResponse error_response(const Error& error);

// "Bad Request"
const char* status_words(int status);

}  // namespace reel::server
