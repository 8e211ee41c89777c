// SPDX-License-Identifier: Apache-2.0
// Any bytes as a request: its head, address, range, host and the fields of its body.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http/api_error.h"
#include "server/http/byte_range.h"
#include "server/http/form_data.h"
#include "server/http/host_names.h"
#include "server/http/request_fields.h"
#include "server/http/request_head.h"
#include "server/http/request_target.h"

namespace {

using namespace reel::server;

constexpr size_t kMostBodyBytes = 1 << 20;

void require(bool condition) {
  if (!condition) std::abort();
}

void read_range_of(std::string_view header, uint64_t file_bytes) {
  ByteRange range;
  if (read_range(header, file_bytes, range) == RangeKind::kPart) {
    require(range.first <= range.last && range.last < file_bytes);
  }
}

void read_fields(const HttpRequest& request) {
  try {
    RequestFields fields(request);
    fields.take_text("prompt");
    fields.take_number("seconds");
    fields.take_integer("steps");
    fields.take_seed("seed");
    fields.drop("user");
    fields.finish();
  } catch (const ApiError& error) {
    require(error.status >= 400 && error.status < 500);
    error_json(error.status, error.message, error.code, error.param);
  }
}

void read_accepted(const RequestHead& head, std::string_view body) {
  HttpRequest request;
  request.method = head.method;
  request.headers = head.headers;
  request.body = body;
  read_target(head.target, request.path, request.query);
  // The program splits paths at "/" and hands them on as text that ends with a zero.
  require(request.path.starts_with('/') && request.path.find('\0') == std::string::npos);
  for (const uint64_t file_bytes : {uint64_t{0}, uint64_t{1}, uint64_t{1000}}) {
    read_range_of(head.header("range"), file_bytes);
  }
  const std::string host = head.header("host");
  if (is_answered_host(host, {"reel.example"})) require(!host_of(host).empty());
  const auto form = read_form(head.header("content-type"), body);
  require(!form || form->size() <= kMostFormParts);
  read_fields(request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find("\r\n\r\n"), size);
  RequestHead head;
  const auto problem = read_head(text.substr(0, end), kMostBodyBytes, head);
  if (problem) {
    require(problem->status >= 400 && problem->status < 600);
    error_json(problem->status, problem->message, "");
    return 0;
  }
  require(head.content_bytes <= kMostBodyBytes && head.headers.size() <= kMostHeaders);
  read_accepted(head, text.substr(std::min(size, end + 4)));
  return 0;
}
