// SPDX-License-Identifier: Apache-2.0
#include "server/routes_plans.h"

#include <gmock/gmock.h>
#include <reel/plan.h>
#include <reel/synth.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/byte_units.h"
#include "server/http/api.h"
#include "server/openapi.h"
#include "support/temp_folder.h"

namespace reel::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Answer {
  int status = 0;
  json body;
};

Answer ask(const ModelOptions& model, const std::string& method, const std::string& path,
           const json& body = {}) {
  Router router;
  router.add(plan_routes(model, "served"));
  Api api(Gate({}, {}), std::move(router));
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.headers = {{"host", "localhost"}, {"content-type", "application/json"}};
  request.body = body.dump();
  const HttpResponse response = api.answer(request, [] { return 1; });
  return {response.status, json::parse(response.body)};
}

// True headers of the 14B over files that take no space, as it is published: without a word about
// its size.
ModelOptions model_14b(uint64_t vram_bytes) {
  static const test::TempFolder folder;
  static const bool is_written = [] {
    synthesize({.layout = "distill_fp8",
                .preset = "wan2.1-t2v-14b",
                .out = folder / "14b",
                .sparse = true});
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "14b")) {
      if (entry.path().filename() != "config.json") continue;
      json config = json::parse(std::ifstream(entry.path()));
      config.erase("reel");
      std::ofstream(entry.path()) << config;
    }
    return true;
  }();
  ModelOptions model;
  if (is_written) model.model = folder / "14b";
  model.device = "cpu";  // also where there is a GPU: `vram_bytes` decides alone
  model.vram_bytes = vram_bytes;
  return model;
}

TEST(PlanRoutes, TellWhatAClipNeeds) {
  const ModelOptions model = model_14b(12 * kGiB);
  const auto [status, plan] = ask(model, "POST", "/v1/plans", {{"prompt", ""}, {"fps", 8}});

  ASSERT_EQ(status, 200) << plan;
  PlanRequest request;
  request.model = model;
  const Plan expected = make_plan(request);
  EXPECT_TRUE(plan["fits"]);
  EXPECT_TRUE(plan["refusal"].is_null());
  EXPECT_EQ(plan["size"], "832x480");
  EXPECT_EQ(plan["frames"], 81);
  EXPECT_EQ(plan["seconds"], "10");
  EXPECT_EQ(plan["steps"], 4);
  EXPECT_EQ(plan["gpu_bytes"], expected.context_bytes + expected.arena_bytes);
  EXPECT_EQ(plan["gpu"]["bytes"], 12 * kGiB);
  EXPECT_FALSE(plan["gpu"]["is_here"]);
  EXPECT_DOUBLE_EQ(plan["predicted_seconds"].get<double>(), expected.total_s);
  EXPECT_GT(plan["predicted_seconds"], 1.0);
  EXPECT_GT(plan["host_bytes"], 0);
}

TEST(PlanRoutes, TellTheNearestThatFits) {
  const ModelOptions model = model_14b(8 * kGiB);
  json request{{"prompt", "a ball"}, {"size", "1280x720"}, {"frames", 401}};
  const auto [status, plan] = ask(model, "POST", "/v1/plans", request);

  ASSERT_EQ(status, 200) << plan;
  EXPECT_FALSE(plan["fits"]);
  EXPECT_THAT(plan["refusal"].get<std::string>(), HasSubstr("may be used"));
  EXPECT_TRUE(plan["predicted_seconds"].is_null());
  ASSERT_FALSE(plan["nearest"].empty());
  const json& nearest = plan["nearest"].front();
  EXPECT_EQ(nearest["text"], std::to_string(nearest["frames"].get<int>()) + " frames");
  request["frames"] = nearest["frames"];
  EXPECT_TRUE(ask(model, "POST", "/v1/plans", request).body["fits"]);
}

TEST(PlanRoutes, RefuseWhatAVideoWouldBeRefusedFor) {
  const ModelOptions model = model_14b(8 * kGiB);
  const auto message = [&](const json& request) {
    const auto [status, body] = ask(model, "POST", "/v1/plans", request);
    EXPECT_EQ(status, 400) << request;
    return body["error"]["message"].get<std::string>();
  };
  EXPECT_THAT(message({{"prompt", ""}, {"steps", 101}}), HasSubstr("steps is 101"));
  EXPECT_THAT(message({{"prompt", ""}, {"size", "4000x4000"}}), HasSubstr("4000"));
  EXPECT_THAT(message({{"prompt", ""}, {"stepz", 4}}), HasSubstr("stepz"));
  EXPECT_THAT(message(json::object()), HasSubstr("prompt"));
}

TEST(PlanRoutes, TellWhatTheModelIsMadeFor) {
  const auto [status, model] = ask(model_14b(8 * kGiB), "GET", "/v1/models/served");

  ASSERT_EQ(status, 200) << model;
  EXPECT_EQ(model["id"], "served");
  EXPECT_EQ(model["object"], "model");
  EXPECT_EQ(model["sizes"], json::array({"832x480", "480x832", "1280x720", "720x1280"}));
  EXPECT_EQ(model["frames"], 81);
  EXPECT_EQ(model["steps"], 4);
  EXPECT_FALSE(model["guided"]);
  EXPECT_EQ(model["limits"]["frames"], 481);
  EXPECT_EQ(ask(model_14b(8 * kGiB), "GET", "/v1/models/other").status, 404);
}

TEST(PlanRoutes, AnswerWithTheFieldsThatAreDocumented) {
  const json schemas = json::parse(openapi_document())["components"]["schemas"];
  const ModelOptions served = model_14b(8 * kGiB);
  const std::pair<const char*, json> answers[] = {
      {"Plan", ask(served, "POST", "/v1/plans", {{"prompt", ""}}).body},
      {"Model", ask(served, "GET", "/v1/models/served").body}};
  for (const auto& [name, answer] : answers) {
    std::set<std::string> sent;
    for (const auto& [field, value] : answer.items()) sent.insert(field);
    EXPECT_EQ(sent, schemas[name]["required"].get<std::set<std::string>>()) << name;
  }
}

TEST(PlanRoutes, KnowTheSizeOfTheDemoModel) {
  const auto [status, model] = ask({}, "GET", "/v1/models/served");

  ASSERT_EQ(status, 200) << model;
  EXPECT_EQ(model["sizes"], json::array({"128x128"}));
  EXPECT_EQ(model["frames"], 33);
}

}  // namespace
}  // namespace reel::server
