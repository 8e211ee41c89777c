// SPDX-License-Identifier: Apache-2.0
#include "pipeline/op_trace.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "core/host_copy_engine.h"
#include "support/expect_error.h"
#include "support/fake_copy_engine.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

using std::chrono::milliseconds;
using Row = std::map<std::string, std::string>;

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream text(line);
  for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
  if (line.ends_with(',')) cells.emplace_back();
  return cells;
}

class OpTraceTest : public testing::Test {
 protected:
  std::string path() const { return (folder_ / "out.csv").string(); }

  std::vector<Row> rows() const {
    std::ifstream file(path());
    std::string line;
    std::getline(file, line);
    const std::vector<std::string> names = cells_of(line);
    std::vector<Row> rows;
    while (std::getline(file, line)) {
      const std::vector<std::string> cells = cells_of(line);
      EXPECT_EQ(cells.size(), names.size()) << line;
      Row& row = rows.emplace_back();
      for (size_t at = 0; at < std::min(cells.size(), names.size()); ++at) {
        row[names[at]] = cells[at];
      }
    }
    return rows;
  }

  test::TempFolder folder_;
};

TEST_F(OpTraceTest, HasARowPerCallThatSaysWhereItBelongs) {
  HostCopyEngine engine;
  OpTrace trace(path(), engine, {});
  const ops::OpRecord linear{.op = "linear",
                             .kernel = "toy",
                             .dtype = DType::kBF16,
                             .shape = {3, 4, 5},
                             .bytes = 64,
                             .flops = 120};
  trace.begin_stage("denoise");
  trace.end(trace.begin({}), {.op = "cast", .kernel = "toy", .shape = {7}, .bytes = 8}, {});
  trace.set_step(2);
  trace.set_block(0);
  const int64_t ticket = trace.begin({});
  std::this_thread::sleep_for(milliseconds(5));
  trace.end(ticket, linear, {});
  trace.end_stage();

  const std::vector<Row> all = rows();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].at("stage"), "denoise");
  EXPECT_EQ(all[0].at("step"), "");
  EXPECT_EQ(all[0].at("block"), "");
  EXPECT_EQ(all[0].at("flops"), "");
  Row row = all[1];
  EXPECT_EQ(row.at("step"), "2");
  EXPECT_EQ(row.at("block"), "0");
  EXPECT_EQ(row.at("stream"), "compute");
  EXPECT_EQ(row.at("op"), "linear");
  EXPECT_EQ(row.at("dtype"), "bf16");
  EXPECT_EQ(row.at("shape"), "3x4x5");
  EXPECT_EQ(row.at("bytes"), "64");
  EXPECT_EQ(row.at("flops"), "120");
  EXPECT_GE(std::stod(row.at("duration_us")), 5000);
  EXPECT_GE(std::stod(row.at("start_us")), std::stod(all[0].at("start_us")));
  EXPECT_NE(row.at("gb_per_s"), "");
}

TEST_F(OpTraceTest, BeginsEveryStageAnew) {
  HostCopyEngine engine;
  OpTrace trace(path(), engine, {});
  for (const char* stage : {"text", "decode"}) {
    trace.begin_stage(stage);
    trace.end(trace.begin({}), {.op = "add"}, {});
    trace.set_step(3);
    trace.set_block(1);
    trace.end_stage();
  }

  const std::vector<Row> all = rows();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].at("stage"), "decode");
  EXPECT_EQ(all[1].at("step"), "");
  EXPECT_EQ(all[1].at("block"), "");
  EXPECT_GT(std::stod(all[1].at("start_us")), std::stod(all[0].at("start_us")));
}

TEST_F(OpTraceTest, TimesADeviceByItsOwnClockAndWaitsOnlyAtTheEnd) {
  test::FakeCopyEngine engine;
  const Stream compute = engine.make_stream();
  OpTrace trace(path(), engine, compute);
  trace.begin_stage("denoise");
  trace.set_step(1);
  trace.set_block(2);
  const auto start = std::chrono::steady_clock::now();
  for (const Stream stream : {compute, engine.copy_stream()}) {
    const int64_t ticket = trace.begin(stream);
    test::FakeCopyEngine::submit(stream, [] { std::this_thread::sleep_for(milliseconds(60)); });
    trace.end(ticket, {.op = "conv"}, stream);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(50)) << "it waited";
  trace.end_stage();

  const std::vector<Row> all = rows();
  ASSERT_EQ(all.size(), 2u);
  for (const Row& row : all) EXPECT_GE(std::stod(row.at("duration_us")), 60'000);
  EXPECT_EQ(all[0].at("stream"), "compute");
  EXPECT_EQ(all[0].at("block"), "2");
  EXPECT_EQ(all[1].at("stream"), "copy");
  EXPECT_EQ(all[1].at("step") + all[1].at("block"), "") << "copies are ahead of what computes";
}

TEST_F(OpTraceTest, LeavesOutACallThatFailed) {
  HostCopyEngine engine;
  OpTrace trace(path(), engine, {});
  trace.begin_stage("text");
  trace.begin({});
  trace.end_stage();

  EXPECT_TRUE(rows().empty());
}

TEST_F(OpTraceTest, SaysWhereItCannotWrite) {
  HostCopyEngine engine;
  EXPECT_REEL_ERROR(OpTrace((folder_ / "no/where.csv").string(), engine, {}), kIo,
                    "Cannot write the trace");
}

}  // namespace
}  // namespace reel::pipeline
