// SPDX-License-Identifier: Apache-2.0
// The whole way is tests/server/serve_test.py's.
#include "client/remote_clip.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/http/http_server.h"
#include "support/expect_error.h"

namespace reel::client {
namespace {

using nlohmann::json;

TEST(RemoteClip, AsksForWhatWasGiven) {
  VideoRequest request;
  request.prompt = "a ball";
  EXPECT_EQ(json::parse(request_json(request)), (json{{"prompt", "a ball"}, {"fps", 16}}));

  request.negative_prompt = "n";
  request.sampling.width_px = 832;
  request.sampling.height_px = 480;
  request.sampling.frames = 81;
  request.sampling.steps = 4;
  request.sampling.shift = 5.0f;
  request.sampling.guidance = 1.0f;
  request.sampling.sampler = "euler";
  request.sampling.seed = ~uint64_t{0};
  EXPECT_EQ(json::parse(request_json(request)), (json{{"prompt", "a ball"},
                                                      {"fps", 16},
                                                      {"negative_prompt", "n"},
                                                      {"size", "832x480"},
                                                      {"frames", 81},
                                                      {"steps", 4},
                                                      {"shift", 5.0},
                                                      {"guidance", 1.0},
                                                      {"sampler", "euler"},
                                                      {"seed", ~uint64_t{0}}}));
}

// Whatever else may listen there.
TEST(RemoteClip, SaysThatTheServerIsAnother) {
  server::HttpOptions options;
  options.port = 0;
  for (const char* body : {"hello", "[]", R"({"id": 5, "status": 5})"}) {
    const auto other = server::HttpServer::listen(
        options,
        [&](const server::HttpRequest&) {
          server::HttpResponse response;
          response.body = body;
          return response;
        },
        [](const std::string&) { return false; });
    Progress progress;
    VideoRequest request;
    request.prompt = "a ball";
    EXPECT_REEL_ERROR(make_remote_clip({"http://127.0.0.1:" + std::to_string(other->port()), ""},
                                       request, progress),
                      kNetwork, "Is it a `reel serve`");
  }
}

}  // namespace
}  // namespace reel::client
