// SPDX-License-Identifier: Apache-2.0
#include "server/http/request_fields.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_depth.h"
#include "server/http/api_error.h"
#include "server/http/form_data.h"

namespace reel::server {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& field, const std::string& why) {
  throw ApiError(400, field + ' ' + why, "invalid_value", field);
}

// Throws for bytes that are no UTF-8.
void require_text(const std::string& field, const std::string& text) {
  try {
    (void)json(text).dump();
  } catch (const json::exception&) {
    refuse(field, "is not UTF-8.");
  }
}

template <typename Number>
std::optional<Number> parse(const std::string& text) {
  Number value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

json parse_object(const HttpRequest& request) {
  if (!request.header("content-type").starts_with("application/json")) {
    throw ApiError(415, "The body must be application/json or multipart/form-data.");
  }
  json body = json::parse(request.body, nullptr, false);
  if (body.is_discarded()) throw ApiError(400, "The body is not JSON.", "invalid_json");
  if (!body.is_object()) throw ApiError(400, "The body is not a JSON object.", "invalid_json");
  if (is_json_too_deep(request.body)) {
    throw ApiError(400, str_cat("The body nests its values more than ", kDeepestJson, " deep."),
                   "invalid_json");
  }
  return body;
}

}  // namespace

struct RequestFields::Fields {
  json left;

  json take(const std::string& name) {
    const auto found = left.find(name);
    if (found == left.end()) return nullptr;
    json value = *found;
    left.erase(found);
    return value;
  }
};

RequestFields::RequestFields(const HttpRequest& request) : fields_(std::make_unique<Fields>()) {
  const std::string type = request.header("content-type");
  if (!type.starts_with("multipart/form-data")) {
    fields_->left = parse_object(request);
    return;
  }
  const std::optional<std::vector<FormPart>> form = read_form(type, request.body);
  if (!form) throw ApiError(400, "The body is no multipart/form-data.", "invalid_form");
  fields_->left = json::object();
  for (const FormPart& part : *form) {
    if (fields_->left.contains(part.name)) refuse(part.name, "was sent twice.");
    require_text("A field's name", part.name);
    fields_->left[part.name] = part.is_file ? json(json::object()) : json(part.value);
  }
}

RequestFields::~RequestFields() = default;

std::optional<std::string> RequestFields::take_text(const std::string& name) {
  const json value = fields_->take(name);
  if (value.is_null()) return std::nullopt;
  if (!value.is_string()) refuse(name, "must be a string.");
  auto text = value.get<std::string>();
  require_text(name, text);
  if (text.find('\0') != std::string::npos) refuse(name, "has a zero byte.");
  return text;
}

std::optional<double> RequestFields::take_number(const std::string& name) {
  const json value = fields_->take(name);
  if (value.is_null()) return std::nullopt;
  std::optional<double> number;
  if (value.is_number()) number = value.get<double>();
  if (value.is_string()) number = parse<double>(value.get<std::string>());
  if (!number || !std::isfinite(*number)) refuse(name, "must be a number.");
  return number;
}

std::optional<int> RequestFields::take_integer(const std::string& name) {
  const std::optional<double> number = take_number(name);
  if (!number) return std::nullopt;
  if (*number != std::floor(*number) || std::abs(*number) > std::numeric_limits<int>::max()) {
    refuse(name, "must be a whole number.");
  }
  return static_cast<int>(*number);
}

std::optional<uint64_t> RequestFields::take_seed(const std::string& name) {
  const json value = fields_->take(name);
  if (value.is_null()) return std::nullopt;
  std::optional<uint64_t> seed;
  if (value.is_number_unsigned()) seed = value.get<uint64_t>();
  if (value.is_string()) seed = parse<uint64_t>(value.get<std::string>());
  if (!seed) refuse(name, "must be a whole number from 0 to 18446744073709551615.");
  return seed;
}

bool RequestFields::has(const std::string& name) const {
  const auto found = fields_->left.find(name);
  return found != fields_->left.end() && !found->is_null();
}

void RequestFields::drop(const std::string& name) { fields_->take(name); }

void RequestFields::finish() const {
  if (fields_->left.empty()) return;
  const std::string name = fields_->left.begin().key();
  throw ApiError(400, str_cat("There is no field \"", name, "\"."), "unknown_parameter", name);
}

}  // namespace reel::server
