// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>

namespace reel::server {
namespace {

TEST(Metrics, AreOfTheFormThatPrometheusReads) {
  ServiceFigures service;
  service.jobs[JobState::kQueued] = 3;
  service.completed = 5;
  service.making_s = 12.5;
  service.most_waiting = 64;
  service.is_warm = true;

  const std::string text = metrics_text(service, {.waiting = 2, .answering = 1, .streaming = 0},
                                        {.by_status = {{200, 7}, {404, 1}}}, 1000);

  const std::regex sample(R"([a-z_]+(\{[a-z]+="[a-z_0-9]+"\})? [0-9.]+)");
  const std::regex comment(R"(# (HELP [a-z_]+ .+|TYPE [a-z_]+ (gauge|counter)))");
  std::istringstream lines(text);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_TRUE(std::regex_match(line, line[0] == '#' ? comment : sample)) << line;
  }
  EXPECT_GT(count, 20);
  for (const char* line :
       {"reel_jobs{state=\"queued\"} 3\n", "reel_jobs{state=\"failed\"} 0\n",
        "reel_jobs_ended_total{how=\"completed\"} 5\n", "reel_making_seconds_total 12.5\n",
        "reel_model_open 1\n", "reel_connections{at=\"waiting\"} 2\n",
        "reel_http_requests_total{status=\"404\"} 1\n", "process_resident_memory_bytes 1000\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST(Metrics, KnowTheProcessesMemory) {
  EXPECT_GT(resident_bytes(), uint64_t{1} << 20);
  EXPECT_LT(resident_bytes(), uint64_t{1} << 40);
}

}  // namespace
}  // namespace reel::server
