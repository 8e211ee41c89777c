// SPDX-License-Identifier: Apache-2.0
// The fields of a request's body, JSON or multipart/form-data, each taken once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "server/http/http_types.h"

namespace reel::server {

// Every function throws ApiError naming the field.
class RequestFields {
 public:
  explicit RequestFields(const HttpRequest& request);
  ~RequestFields();
  RequestFields(const RequestFields&) = delete;
  RequestFields& operator=(const RequestFields&) = delete;

  // Nothing when it was left out or is null.
  std::optional<std::string> take_text(const std::string& name);
  // Numbers may stand in quotes, as forms send them and OpenAI's "seconds" are.
  std::optional<double> take_number(const std::string& name);
  std::optional<int> take_integer(const std::string& name);
  std::optional<uint64_t> take_seed(const std::string& name);

  bool has(const std::string& name) const;
  void drop(const std::string& name);
  // Throws when a field was not taken.
  void finish() const;

 private:
  // JSON; null for what a form says is a file.
  struct Fields;
  std::unique_ptr<Fields> fields_;
};

}  // namespace reel::server
