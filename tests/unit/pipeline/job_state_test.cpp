// SPDX-License-Identifier: Apache-2.0
#include "pipeline/job_state.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "pipeline/recipe.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

class JobTest : public testing::Test {
 protected:
  JobTest() {
    ::setenv("XDG_STATE_HOME", folder_.path().c_str(), 1);
    SamplingOptions options;
    options.seed = 5;
    options.width_px = options.height_px = 16;
    options.frames = 1;
    options.steps = 6;
    options.sampler = "unipc";
    settings_ = check_sampling(options, {}).settings;
    request_.prompt = "p";
    request_.sampling = complete_sampling(settings_);
    request_.out = "clip.mp4";
  }

  bool job_folder_is_empty() const {
    return std::filesystem::is_empty(folder_.path() / "reel/jobs");
  }

  test::TempFolder folder_;
  RunSettings settings_;
  VideoRequest request_;
};

TEST_F(JobTest, LeavesNothingWhenNothingWasSaved) {
  { const Job job = Job::create({}, request_); }
  EXPECT_TRUE(job_folder_is_empty());
}

TEST_F(JobTest, GivesBackTheRequestAndTheState) {
  std::string id;
  DenoiseState state = start_denoising(settings_);
  {
    Job job = Job::create({}, request_);
    id = job.id();
    state.next_step = 2;
    state.latents.values<float>()[3] = 0.25f;
    state.sampler = {.next_index = 2, .completed = 2, .history = {{1, 2}, {3}, {}}};
    job.save_state(state, settings_);
  }
  const Job job = Job::open(id);

  const auto loaded = job.load_state(settings_);

  EXPECT_EQ(job.request().prompt, "p");
  EXPECT_EQ(job.request().sampling.seed, 5u);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->next_step, 2);
  EXPECT_EQ(loaded->latents.values<float>()[3], 0.25f);
  EXPECT_EQ(loaded->sampler.history, state.sampler.history);
  EXPECT_EQ(loaded->rng.state(), state.rng.state());
}

TEST_F(JobTest, CanBeContinuedFromAnyFolder) {
  const std::filesystem::path models = folder_.path() / "models";
  std::filesystem::create_directories(models / "mine");
  ::setenv("REEL_MODELS", models.c_str(), 1);
  ModelOptions options{.model = "mine", .vae = "vae.pth"};
  options.loras = {{.path = "lora.safetensors"}};
  const std::filesystem::path here = std::filesystem::current_path();
  request_.out.clear();
  request_.frames_only = true;

  const Job job = Job::create(options, request_);

  EXPECT_EQ(job.model().model, models / "mine");
  EXPECT_EQ(job.model().vae, here / "vae.pth");
  EXPECT_EQ(job.model().loras[0].path, here / "lora.safetensors");
  EXPECT_EQ(job.request().out, "");
  ::unsetenv("REEL_MODELS");
}

TEST_F(JobTest, GoesElsewhereFromThenOn) {
  request_.frames_only = true;
  request_.out.clear();
  Job first = Job::create({}, request_);
  first.save_state(start_denoising(settings_), settings_);
  {
    Job job = Job::open(first.id());
    job.change({.out = "other.mp4", .preview_dir = {}, .overwrite = true});
  }
  {
    Job job = Job::open(first.id());
    job.change({.out = {}, .preview_dir = "seen", .overwrite = false});
  }
  const std::filesystem::path here = std::filesystem::current_path();

  const VideoRequest changed = Job::open(first.id()).request();

  EXPECT_EQ(changed.out, here / "other.mp4");
  EXPECT_EQ(changed.preview_dir, here / "seen");
  EXPECT_TRUE(changed.overwrite);
  EXPECT_FALSE(changed.frames_only);
  EXPECT_EQ(changed.prompt, "p");
  EXPECT_EQ(changed.sampling.seed, 5u);
}

TEST_F(JobTest, IsGoneOnceFinished) {
  Job job = Job::create({}, request_);
  job.save_state(start_denoising(settings_), settings_);
  job.finish();
  EXPECT_TRUE(job_folder_is_empty());
}

TEST_F(JobTest, TheOldestGoAboveTwoGiB) {
  const std::filesystem::path jobs = folder_.path() / "reel/jobs";
  const auto saved = [&](const std::string& id, uint64_t bytes) {
    std::filesystem::create_directories(jobs / id);
    std::ofstream(jobs / id / "latents.safetensors").flush();
    std::filesystem::resize_file(jobs / id / "latents.safetensors", bytes);  // takes no space
  };
  saved("20200101-000000", uint64_t{3} << 29);
  saved("20210101-000000", uint64_t{3} << 29);
  saved("20220101-000000", uint64_t{1} << 29);

  const Job job = Job::create({}, request_);

  EXPECT_FALSE(std::filesystem::exists(jobs / "20200101-000000"));
  EXPECT_TRUE(std::filesystem::exists(jobs / "20210101-000000"));
  EXPECT_TRUE(std::filesystem::exists(jobs / "20220101-000000"));
}

TEST_F(JobTest, NamesTheJobsThereAre) {
  Job job = Job::create({}, request_);
  job.save_state(start_denoising(settings_), settings_);

  EXPECT_REEL_ERROR(Job::open("nonsense"), kNotFound, job.id());
  EXPECT_REEL_ERROR(Job::open("../../etc"), kNotFound, "There is no job");
}

}  // namespace
}  // namespace reel::pipeline
