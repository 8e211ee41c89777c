// SPDX-License-Identifier: Apache-2.0
// A request's way: the gate, the routes, and errors as answers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "server/http/gate.h"
#include "server/http/router.h"

namespace reel::server {

struct RequestFigures {
  std::map<int, int64_t> by_status;  // answers since the start
};

class Api {
 public:
  Api(Gate gate, Router router) : gate_(std::move(gate)), router_(std::move(router)) {}

  // From any thread; never throws. Status 429 and 503 get the Retry-After of `retry_after_s`.
  HttpResponse answer(HttpRequest request, const std::function<int()>& retry_after_s);

  RequestFigures figures() const;

 private:
  HttpResponse dispatch(HttpRequest& request) const;

  Gate gate_;
  Router router_;
  mutable std::mutex mutex_;
  RequestFigures figures_;
};

}  // namespace reel::server
