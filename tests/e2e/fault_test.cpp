// SPDX-License-Identifier: Apache-2.0
// Weight files that go bad while a run reads them again at every step: one sentence, an exit code,
// the steps so far kept, and the run continues to the very same frames once the file is back.
#include <gtest/gtest.h>
#include <reel/synth.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>

#include "e2e/answers.h"
#include "support/temp_folder.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kWhole{120'000};
constexpr int kWeightFile = 5;   // exit codes: a bad weight file,
constexpr int kReadOrWrite = 8;  // a file that cannot be read or written
// So little that no block stays in memory.
const std::vector<std::string> kGenerate = {
    "generate", "--model", "model", "--prompt",     "a ball",   "--seed", "1",
    "--ram",    "1MiB",    "--out", "out/clip.mp4", "--device", "cpu"};

class Fault : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    SynthRequest request{.layout = "distill_fp8", .out = *folder_ / "model"};
    request.dim = 512;
    request.ffn_dim = 1024;
    request.layers = 4;
    request.width_px = request.height_px = 256;
    request.frames = 17;
    synthesize(request);
    fs::create_directory(*folder_ / "out");
    const auto made = answer(Command{.args = with_json(kGenerate), .folder = folder_->path()});
    digest_ = made.at("frames_digest");
    for (const auto& stage : made.at("measured").at("stages")) {
      if (stage.at("stage") == "denoise") step_s_ = double{stage.at("seconds")} / 4;
    }
    fs::remove(*folder_ / "out/clip.mp4");
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::vector<std::string> with_json(std::vector<std::string> args) {
    args.emplace_back("--json");
    return args;
  }

  // The file of the DiT's last block.
  static fs::path block_file() {
    for (const auto& file : fs::recursive_directory_iterator(*folder_ / "model")) {
      if (file.path().filename() == "block_3.safetensors") return file.path();
    }
    return {};
  }
  static std::vector<std::string> jobs() { return saved_jobs(folder_->path()); }
  static nlohmann::json resumed(const std::string& job) {
    return answer(
        Command{.args = {"generate", "--resume", job, "--json"}, .folder = folder_->path()});
  }

  static std::unique_ptr<TempFolder> folder_;
  static std::string digest_;
  static double step_s_;
};

std::unique_ptr<TempFolder> Fault::folder_;
std::string Fault::digest_;
double Fault::step_s_ = 0;

TEST_F(Fault, AFileThatShrinksEndsTheRunAndKeepsItsSteps) {
  const fs::path file = block_file();
  ASSERT_FALSE(file.empty());
  const fs::path copy = *folder_ / "whole.safetensors";
  fs::copy_file(file, copy);
  Child child({.args = kGenerate, .folder = folder_->path()});
  ASSERT_TRUE(child.wait_for("step 1/4", kWhole)) << child.err();
  const auto shrunk_at = Clock::now();
  fs::resize_file(file, fs::file_size(file) / 2);

  const Outcome outcome = child.wait(kWhole);

  // The block is read again within a step.
  const std::chrono::duration<double> latency = Clock::now() - shrunk_at;
  EXPECT_LE(latency.count(), 2 * step_s_ + 0.5);
  EXPECT_EQ(outcome.exit_code, kWeightFile) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("block_3.safetensors"), std::string::npos) << outcome.err;
  EXPECT_TRUE(fs::is_empty(*folder_ / "out"));
  ASSERT_EQ(jobs().size(), 1u) << outcome.err;
  const std::string job = jobs().front();
  EXPECT_NE(outcome.err.find("reel generate --resume " + job), std::string::npos) << outcome.err;

  fs::rename(copy, file);
  const auto made = resumed(job);
  EXPECT_EQ(made.at("frames_digest"), digest_);
  EXPECT_TRUE(jobs().empty());
  fs::remove(*folder_ / "out/clip.mp4");
}

TEST_F(Fault, AFileThatVanishesIsReadToTheEnd) {
  const fs::path file = block_file();
  ASSERT_FALSE(file.empty());
  Child child({.args = with_json(kGenerate), .folder = folder_->path()});
  ASSERT_TRUE(child.wait_for("step 1/4", kWhole)) << child.err();
  const fs::path copy = *folder_ / "copy.safetensors";
  fs::copy_file(file, copy);
  fs::remove(file);

  const Outcome outcome = child.wait(kWhole);

  fs::rename(copy, file);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out).at("frames_digest"), digest_);
  fs::remove(*folder_ / "out/clip.mp4");
}

// Starts the program so that reads of the last block go wrong once `when` exists.
Command spoiled(const std::string& how, const fs::path& when, std::vector<std::string> args,
                const fs::path& folder) {
  return {.args = std::move(args),
          .started_by = {"env", std::string("LD_PRELOAD=") + REEL_SPOIL_READS,
                         "REEL_SPOIL_FILE=block_3", "REEL_SPOIL_HOW=" + how,
                         "REEL_SPOIL_WHEN=" + when.string()},
          .folder = folder};
}

TEST_F(Fault, AReadErrorEndsTheRunAndKeepsItsSteps) {
  if (kSanitized) GTEST_SKIP() << "A sanitizer's library has to be the first that is loaded.";
  const fs::path when = *folder_ / "from-now-on";
  Child child(spoiled("error", when, kGenerate, folder_->path()));
  ASSERT_TRUE(child.wait_for("step 1/4", kWhole)) << child.err();
  std::ofstream(when) << "now";

  const Outcome outcome = child.wait(kWhole);

  fs::remove(when);
  EXPECT_EQ(outcome.exit_code, kReadOrWrite) << outcome.err;
  EXPECT_NE(outcome.err.find("block_3.safetensors\": Input/output error"), std::string::npos)
      << outcome.err;
  EXPECT_TRUE(fs::is_empty(*folder_ / "out"));
  ASSERT_EQ(jobs().size(), 1u) << outcome.err;
  const auto made = resumed(jobs().front());
  EXPECT_EQ(made.at("frames_digest"), digest_);
  fs::remove(*folder_ / "out/clip.mp4");
}

TEST_F(Fault, ShortReadsChangeNothing) {
  if (kSanitized) GTEST_SKIP() << "A sanitizer's library has to be the first that is loaded.";
  const fs::path when = *folder_ / "from-now-on";
  std::ofstream(when) << "now";

  const Outcome outcome =
      run_program(spoiled("short", when, with_json(kGenerate), folder_->path()));

  fs::remove(when);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out).at("frames_digest"), digest_);
  fs::remove(*folder_ / "out/clip.mp4");
}

}  // namespace
}  // namespace reel::test
