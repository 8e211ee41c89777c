// SPDX-License-Identifier: Apache-2.0
#include "server/openapi.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "server/video_json.h"

namespace reel::server {
namespace {

using nlohmann::json;

const json& schemas() {
  static const json document = json::parse(openapi_document());
  return document.at("components").at("schemas");
}

void collect_references(const json& node, std::set<std::string>& found) {
  if (node.is_object() && node.contains("$ref")) found.insert(node["$ref"].get<std::string>());
  if (!node.is_structured()) return;
  for (const json& part : node) collect_references(part, found);
}

TEST(OpenApi, RefersToWhatIsThere) {
  const json document = json::parse(openapi_document());
  std::set<std::string> references;
  collect_references(document, references);
  EXPECT_GE(references.size(), 8u);
  for (const std::string& reference : references) {
    EXPECT_TRUE(document.contains(json::json_pointer(reference.substr(1)))) << reference;
  }
}

TEST(OpenApi, HasTheFieldsOfAVideoAndNoOthers) {
  json video = video_json({}, "m");
  video["warnings"] = json::array();
  std::set<std::string> sent, documented;
  for (const auto& [name, value] : video.items()) sent.insert(name);
  for (const auto& [name, value] : schemas().at("Video").at("properties").items()) {
    documented.insert(name);
  }
  EXPECT_EQ(sent, documented);
}

TEST(OpenApi, HasTheFieldsOfARequest) {
  for (const char* form : {"VideoRequest", "VideoForm"}) {
    const json& schema = schemas().at(form);
    EXPECT_EQ(schema.at("required"), json::array({"prompt"}));
    HttpRequest request;
    request.headers = {{"content-type", "application/json"}};
    for (const auto& [name, value] : schema.at("properties").items()) {
      // Each is known: what is wrong with a list is its type.
      json body{{"prompt", "p"}};
      body[name] = json::array();
      request.body = body.dump();
      try {
        read_video_request(request, "m");
        ADD_FAILURE() << name;
      } catch (const std::exception& error) {
        EXPECT_EQ(std::string(error.what()).find("There is no field"), std::string::npos) << name;
      }
    }
  }
}

}  // namespace
}  // namespace reel::server
