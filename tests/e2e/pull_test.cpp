// SPDX-License-Identifier: Apache-2.0
// `reel pull` and `reel models` as a user runs them, against a hub on this machine.
#include <gtest/gtest.h>
#include <reel/synth.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "e2e/child.h"
#include "e2e/hub_server.h"
#include "hub/pull_record.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr const char* kName = "wan2.1-t2v-14b-fp8";
constexpr const char* kDistill = "lightx2v/Wan2.1-T2V-14B-StepDistill-CfgDistill-Lightx2v";

class Pull : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(user_);
    write_file(root_ / "maker/model/large.bin", large_);
    write_file(root_ / "maker/model/config.json", "{}");
    write_file(root_ / "maker/model/notes/readme.md", "words");
  }

  void start(const json& faults = json::array()) {
    server_.reset();
    server_ = std::make_unique<HubServer>(root_, faults);
  }

  Command command(const std::vector<std::string>& args) const {
    Command made{.args = args, .folder = user_};
    made.environment = environment_;
    if (server_) made.environment.emplace("HF_ENDPOINT", server_->endpoint());
    return made;
  }
  Outcome reel(const std::vector<std::string>& args) const { return run_program(command(args)); }

  // What it answers, without the line's end.
  std::string answer(const std::vector<std::string>& args) const {
    const Outcome outcome = reel(args);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out.substr(0, outcome.out.find_last_not_of('\n') + 1);
  }

  fs::path blobs(const std::string& repository = "maker--model") const {
    return user_ / "cache/huggingface/hub" / ("models--" + repository) / "blobs";
  }

  // Which bytes of the large file are here.
  bool has_written_down() const {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(blobs(), none)) {
      if (entry.path().extension() == ".parts") return true;
    }
    return false;
  }

  TempFolder folder_;
  const fs::path root_ = folder_ / "root", user_ = folder_ / "user";
  const std::string large_ = random_bytes(3'300'001, 2);
  std::map<std::string, std::string> environment_;
  std::unique_ptr<HubServer> server_;
};

json one(json fault) { return json::array({std::move(fault)}); }

TEST_F(Pull, ACatalogueNameBecomesAClip) {
  synthesize({.layout = "distill_fp8", .out = root_ / kDistill});
  fs::remove_all(root_ / kDistill / "google");  // then it is Wan-AI's
  synthesize({.layout = "distill_fp8", .out = root_ / "Wan-AI/Wan2.1-T2V-14B"});
  write_file(root_ / kDistill / "loras/not-needed.safetensors", "x");
  start();

  const std::string folder = answer({"pull", kName});
  EXPECT_EQ(folder, user_ / ".local/share/reel/models" / kName);
  EXPECT_TRUE(fs::is_symlink(fs::path(folder) / "distill_fp8/block_0.safetensors"));
  EXPECT_TRUE(fs::exists(fs::path(folder) / "google/umt5-xxl/spiece.model"));
  EXPECT_FALSE(fs::exists(fs::path(folder) / "loras"));

  const auto digest = [&](const std::string& model) {
    return json::parse(answer({"generate", "--model", model, "--prompt", "a ball", "--seed", "1",
                               "--device", "cpu", "--no-cache", "--json"}))
        .at("frames_digest");
  };
  EXPECT_EQ(digest(kName), digest((root_ / kDistill).string() + "/../../Wan-AI/Wan2.1-T2V-14B"));
  const json listed = json::parse(answer({"models", "list", "--json"}));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].at("name"), kName);
  EXPECT_EQ(listed[0].at("missing").size(), 0u);

  const size_t before = server_->file_requests();
  EXPECT_EQ(answer({"pull", kName}), folder);
  EXPECT_EQ(server_->file_requests(), before) << "what is here was downloaded again";

  const Outcome removed = reel({"models", "rm", kName, "--yes"});
  EXPECT_EQ(removed.exit_code, 0) << removed.err;
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_TRUE(fs::is_empty(blobs("lightx2v--Wan2.1-T2V-14B-StepDistill-CfgDistill-Lightx2v")));
  EXPECT_EQ(reel({"inspect", kName}).exit_code, 4);
}

TEST_F(Pull, AChangedRepositoryIsNamed) {
  synthesize({.layout = "distill_int8", .out = root_ / kDistill});
  start();
  const Outcome outcome = reel({"pull", kName});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_NE(
      outcome.err.find("has no file like \"distill_fp8/*.safetensors\", which the DiT should be"),
      std::string::npos)
      << outcome.err;
}

TEST_F(Pull, ALocalFolderGetsTheWantedFilesAndUsesTheCache) {
  start();
  EXPECT_EQ(answer({"pull", "--include", "*.json", "--include", "*.bin", "maker/model",
                    "--local-dir", "here"}),
            user_ / "here");
  EXPECT_EQ(read_all(user_ / "here/large.bin"), large_);
  EXPECT_TRUE(fs::exists(user_ / "here/config.json"));
  EXPECT_FALSE(fs::exists(user_ / "here/notes"));
  EXPECT_FALSE(fs::exists(user_ / "here/.reel"));
  EXPECT_FALSE(fs::exists(blobs()));

  answer({"pull", "maker/model", "--exclude", "notes/*"});
  const size_t before = server_->file_requests();
  answer({"pull", "maker/model", "--exclude", "notes/*", "--local-dir", "there"});
  EXPECT_EQ(server_->file_requests(), before);
  EXPECT_EQ(read_all(user_ / "there/large.bin"), large_);
  EXPECT_GT(fs::hard_link_count(user_ / "there/large.bin"), 1u);
  EXPECT_EQ(answer({"pull", "maker/model", "--include", "notes/*", "--local-dir", "there", "--json",
                    "--revision", "v1"})
                .find("large.bin"),
            std::string::npos);
  EXPECT_TRUE(hub::read_record(user_ / "there")->find("large.bin") != nullptr);
}

TEST_F(Pull, AFileOfTheUserIsNotReplacedUnasked) {
  start();
  write_file(user_ / "here/config.json", "mine");
  const Outcome refused = reel({"pull", "maker/model", "--local-dir", "here"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("is not the published file"), std::string::npos) << refused.err;
  EXPECT_EQ(read_all(user_ / "here/config.json"), "mine");
  answer({"pull", "maker/model", "--local-dir", "here", "--force"});
  EXPECT_EQ(read_all(user_ / "here/config.json"), "{}");
}

TEST_F(Pull, ADryRunDownloadsNothing) {
  start();
  const std::string plan = answer({"pull", "maker/model", "--dry-run"});
  EXPECT_NE(plan.find("3.1 MiB  download  large.bin  (maker/model)"), std::string::npos) << plan;
  EXPECT_EQ(server_->file_requests(), 0u);
  EXPECT_FALSE(fs::exists(user_ / ".local"));
}

json slow() { return one({{"match", "cdn"}, {"kind", "slow"}, {"bytes_per_second", 100'000}}); }

TEST_F(Pull, CtrlCStopsWithinHalfASecondAndTheNextPullGoesOn) {
  start(slow());
  Child child(command({"pull", "maker/model"}));
  ASSERT_TRUE(child.wait_for(" %  file", milliseconds(20'000))) << child.err();
  const auto begin = std::chrono::steady_clock::now();
  child.send(SIGINT);
  const Outcome stopped = child.wait(milliseconds(10'000));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(500));
  EXPECT_EQ(stopped.exit_code, 130) << stopped.err;
  EXPECT_NE(stopped.err.find("go on with: reel pull maker/model"), std::string::npos)
      << stopped.err;
  EXPECT_FALSE(fs::exists(user_ / ".local/share/reel/models/maker--model"));

  start();
  const json result = json::parse(answer({"pull", "maker/model", "--json"}));
  EXPECT_LT(result.at("downloaded_bytes"), large_.size() * 95 / 100);
  EXPECT_EQ(read_all(fs::path(result.at("folder")) / "large.bin"), large_);
}

TEST_F(Pull, WhatAKilledPullHadIsKept) {
  start(slow());
  Child child(command({"pull", "maker/model"}));
  ASSERT_TRUE(child.wait_for(" %  file", milliseconds(20'000))) << child.err();
  for (int tick = 0; tick < 1000 && !has_written_down(); ++tick) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  child.send(SIGKILL);
  child.wait(milliseconds(10'000));
  start();
  const json result = json::parse(answer({"pull", "maker/model", "--json"}));
  EXPECT_LT(result.at("downloaded_bytes"), large_.size() * 95 / 100);
  EXPECT_EQ(read_all(fs::path(result.at("folder")) / "large.bin"), large_);
}

TEST_F(Pull, TheTokenIsNeitherPrintedNorLogged) {
  environment_ = {{"HF_TOKEN", "hf_verysecret"}};
  start(one({{"match", "resolve"}, {"kind", "status"}, {"status", 403}}));
  const Outcome outcome = reel({"pull", "maker/model", "-vv", "--log-file", "log.txt"});
  EXPECT_EQ(outcome.exit_code, 9);
  EXPECT_EQ(server_->requests()[0].token, "Bearer hf_verysecret");
  EXPECT_EQ((outcome.err + outcome.out).find("verysecret"), std::string::npos) << outcome.err;
  EXPECT_EQ(read_all(user_ / "log.txt").find("verysecret"), std::string::npos);
}

TEST_F(Pull, GoesThroughAProxy) {
  start();
  environment_ = {{"HF_ENDPOINT", "http://hub.invalid"}, {"http_proxy", server_->url("hub")}};
  answer({"pull", "maker/model", "--include", "*.json"});
  EXPECT_EQ(server_->requests()[0].path, "http://hub.invalid/api/models/maker/model/revision/main");
}

TEST_F(Pull, LooksForSpaceFirst) {
  start(one({{"match", "/tree/"}, {"kind", "size"}, {"more", 1LL << 42}}));
  const Outcome outcome = reel({"pull", "maker/model"});
  EXPECT_EQ(outcome.exit_code, 8);
  EXPECT_NE(outcome.err.find("The download needs "), std::string::npos) << outcome.err;
  EXPECT_EQ(server_->file_requests(), 0u);
}

TEST_F(Pull, ADiskThatFillsUpIsTold) {
  start();
  Command limited = command({"pull", "maker/model"});
  limited.most_file_bytes = 1 << 20;
  const Outcome outcome = run_program(limited);
  EXPECT_EQ(outcome.exit_code, 8) << outcome.err;
  EXPECT_NE(outcome.err.find("Cannot write \""), std::string::npos) << outcome.err;
}

TEST_F(Pull, RemovingAsksAndNamesWhatItKeeps) {
  start();
  answer({"pull", "maker/model"});
  const Outcome refused = reel({"models", "rm", "maker/model"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_TRUE(fs::exists(user_ / ".local/share/reel/models/maker--model/large.bin"));
  // One name that is unknown: nothing is removed.
  EXPECT_EQ(reel({"models", "rm", "maker/model", "other", "--yes"}).exit_code, 4);
  EXPECT_TRUE(fs::exists(user_ / ".local/share/reel/models/maker--model/large.bin"));
  EXPECT_EQ(reel({"models", "rm", "maker/model", "--yes"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(user_ / ".local/share/reel/models/maker--model"));
}

}  // namespace
}  // namespace reel::test
