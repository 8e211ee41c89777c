// SPDX-License-Identifier: Apache-2.0
// The whole way is tests/server/serve_test.py's.
#include "cli/generate_remotely.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::cli {
namespace {

TEST(GenerateRemotely, RefusesWhatTheServerDecides) {
  Terminal terminal;
  VideoRequest request;
  ModelOptions model;
  client::ServerChoice server;
  Flags flags("generate", "a test");
  flags.add("--prompt", request.prompt, "p");
  flags.add("--server", server.url, "s");
  flags.add_model(model);
  const char* const words[] = {"generate", "--prompt",  "a ball", "--server",
                               "http://a", "--threads", "2"};
  ASSERT_FALSE(flags.parse(7, words, terminal));

  EXPECT_REEL_ERROR(generate_remotely(flags, server, request, 1, false, terminal), kInvalidArgument,
                    "--threads was given with --server");
}

}  // namespace
}  // namespace reel::cli
