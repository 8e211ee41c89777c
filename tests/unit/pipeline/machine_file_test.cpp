// SPDX-License-Identifier: Apache-2.0
#include "pipeline/machine_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

memory::Rates some_rates(double times) {
  return {.int8_ops = 1 * times,
          .wide_ops = 2 * times,
          .attention_ops = 3 * times,
          .conv_ops = 4 * times,
          .memory_bytes = 5 * times,
          .upload_bytes = 6 * times,
          .cache_bytes = 7 * times,
          .disk_bytes = 8 * times};
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

class MachineFile : public ::testing::Test {
 protected:
  test::TempFolder folder_;
  const std::filesystem::path file_ = folder_ / "cache/reel/machine.json";
};

TEST_F(MachineFile, KeepsTheRatesOfEachGpu) {
  save_rates(file_, "one", some_rates(1e12));
  save_rates(file_, "two", some_rates(2e12));
  save_rates(file_, "one", some_rates(3e12));

  const auto one = saved_rates(file_, "one");
  const auto two = saved_rates(file_, "two");

  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->int8_ops, 3e12);
  EXPECT_EQ(one->disk_bytes, 24e12);
  EXPECT_EQ(two->attention_ops, 6e12);
  EXPECT_FALSE(saved_rates(file_, "three"));
}

TEST_F(MachineFile, AttentionWithE4M3ValuesHasARateOfItsOwn) {
  memory::Rates rates = some_rates(1e12);
  save_rates(file_, "one", rates);
  EXPECT_EQ(saved_rates(file_, "one")->e4m3_attention_ops, 0);
  rates.e4m3_attention_ops = 9e12;
  save_rates(file_, "one", rates);
  save_rates(file_, "one", some_rates(2e12));

  const auto one = saved_rates(file_, "one");

  ASSERT_TRUE(one);
  EXPECT_EQ(one->attention_ops, 6e12);
  EXPECT_EQ(one->e4m3_attention_ops, 9e12);
}

TEST_F(MachineFile, IsOnlyACache) {
  EXPECT_FALSE(saved_rates(file_, "one"));  // there is none
  std::filesystem::create_directories(file_.parent_path());
  const std::string number = R"("int8_ops": 1, "wide_ops": 1, "attention_ops": 1, "conv_ops": 1,
      "memory_bytes": 1, "upload_bytes": 1, "cache_bytes": 1, "disk_bytes": )";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string(R"({"gpus": []})"),
        std::string(R"({"gpus": {"one": 5}})"), std::string(R"({"gpus": {"one": {}}})"),
        R"({"gpus": {"one": {)" + number + "0}}}", R"({"gpus": {"one": {)" + number + "-1}}}",
        R"({"gpus": {"one": {)" + number + "\"1\"}}}",
        R"({"gpus": {"one": {)" + number + "1e999}}}"}) {
    write(file_, text);
    EXPECT_FALSE(saved_rates(file_, "one")) << text;
  }
  write(file_, R"({"gpus": {"one": {)" + number + "1}}}");
  EXPECT_TRUE(saved_rates(file_, "one"));
}

TEST_F(MachineFile, ReplacesADamagedOne) {
  std::filesystem::create_directories(file_.parent_path());
  write(file_, "nonsense");

  save_rates(file_, "one", some_rates(1));

  EXPECT_TRUE(saved_rates(file_, "one"));
}

}  // namespace
}  // namespace reel::pipeline
