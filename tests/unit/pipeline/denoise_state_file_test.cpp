// SPDX-License-Identifier: Apache-2.0
#include "pipeline/denoise_state_file.h"

#include <gtest/gtest.h>

#include "pipeline/stage_files.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

class DenoiseStateFileTest : public testing::Test {
 protected:
  static RunSettings settings(uint64_t seed, int frames = 1) {
    SamplingOptions options;
    options.seed = seed;
    options.width_px = options.height_px = 16;
    options.frames = frames;
    options.steps = 6;
    options.sampler = "unipc";
    return check_sampling(options, {}).settings;
  }

  DenoiseState read(const RunSettings& of) const {
    return read_denoise_state(path_, of, start_denoising(of));
  }

  // Writes the state with one of its numbers in the metadata replaced.
  void damage(const std::string& from, const std::string& to) const {
    StageFile file = read_stage_file(path_);
    std::string& state = file.metadata.at("state");
    const size_t at = state.find(from);
    ASSERT_NE(at, std::string::npos) << state;
    state.replace(at, from.size(), to);
    write_stage_file(path_, file);
  }

  test::TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "state.safetensors";
  RunSettings settings_ = settings(5);
};

TEST_F(DenoiseStateFileTest, GivesBackWhatWasWrittenLast) {
  DenoiseState state = start_denoising(settings_);
  write_denoise_state(path_, state, settings_);
  state.next_step = 3;
  state.latents.values<float>()[7] = 0.25f;
  std::vector<float> drawn(5);
  state.rng.fill_normal(drawn);
  state.sampler = {.next_index = 3, .completed = 3, .history = {{1, 2}, {}, {3}}};
  state.weights_digest = "0123";
  write_denoise_state(path_, state, settings_);

  DenoiseState loaded = read(settings_);

  EXPECT_EQ(loaded.next_step, 3);
  EXPECT_EQ(loaded.latents.values<float>()[7], 0.25f);
  EXPECT_EQ(loaded.sampler.next_index, 3);
  EXPECT_EQ(loaded.sampler.completed, 3);
  EXPECT_EQ(loaded.sampler.history, state.sampler.history);
  EXPECT_EQ(loaded.rng.state(), state.rng.state());
  EXPECT_EQ(loaded.weights_digest, "0123");
}

TEST_F(DenoiseStateFileTest, RefusesTheStateOfAnotherRun) {
  write_denoise_state(path_, start_denoising(settings_), settings_);

  EXPECT_REEL_ERROR(read(settings(6)), kBadFile, "with other settings");
  EXPECT_REEL_ERROR(read(settings(5, 5)), kBadFile, "holds latents");
}

TEST_F(DenoiseStateFileTest, RefusesStepsThatThereAreNot) {
  const auto write = [&] { write_denoise_state(path_, start_denoising(settings_), settings_); };
  for (const char* name : {"\"next_step\":", "\"sampler_next\":", "\"sampler_completed\":"}) {
    write();
    damage(std::string(name) + "0", std::string(name) + "7");
    EXPECT_REEL_ERROR(read(settings_), kBadFile, "is damaged");
    write();
    damage(std::string(name) + "0", std::string(name) + "-1");
    EXPECT_REEL_ERROR(read(settings_), kBadFile, "is damaged");
  }
  write();
  damage("\"rng\":[", "\"rng\":[1,2,3,4,5,6,7,8,9,");
  EXPECT_REEL_ERROR(read(settings_), kBadFile, "is damaged");
  write();
  damage("\"history_slots\":", "\"history_slots\":99999999999");
  EXPECT_REEL_ERROR(read(settings_), kBadFile, "is damaged");
}

}  // namespace
}  // namespace reel::pipeline
