// SPDX-License-Identifier: Apache-2.0
#include "pipeline/denoise_state_file.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/error.h"
#include "pipeline/stage_files.h"

namespace reel::pipeline {
namespace {

using nlohmann::json;

std::string history_name(size_t slot) { return str_cat("history.", slot); }

// What a state must have in common with the run that continues it, in words.
std::string run_of(const RunSettings& settings) {
  return json{{"seed", settings.seed},
              {"sampler", schedulers::sampler_name(settings.sampler)},
              {"timesteps", settings.levels.timesteps},
              {"guidance", settings.guidance}}
      .dump();
}

// More slots than any sampler has are a damaged file.
constexpr size_t kMostSlots = 16;

void restore(const json& saved, size_t steps, DenoiseState& state) {
  const auto index = [&](const char* name) {
    const auto value = saved.at(name).get<size_t>();
    REEL_REQUIRE(value <= steps, kBadFile, "A step beyond the last.");
    return static_cast<int>(value);
  };
  state.next_step = index("next_step");
  state.rng.restore(saved.at("rng").get<std::vector<uint32_t>>());
  state.sampler.next_index = index("sampler_next");
  state.sampler.completed = index("sampler_completed");
  const auto slots = saved.at("history_slots").get<size_t>();
  REEL_REQUIRE(slots <= kMostSlots, kBadFile, "Too many slots.");
  state.sampler.history.resize(slots);
}

}  // namespace

void write_denoise_state(const std::filesystem::path& path, const DenoiseState& state,
                         const RunSettings& settings) {
  StageFile file;
  file.add_copy("latents", state.latents);
  for (size_t at = 0; at < state.sampler.history.size(); ++at) {
    const std::vector<float>& history = state.sampler.history[at];
    if (history.empty()) continue;
    Tensor tensor(DType::kF32, {static_cast<int64_t>(history.size())});
    std::copy(history.begin(), history.end(), tensor.view().as<float>());
    file.add(history_name(at), std::move(tensor));
  }
  file.metadata["state"] = json{{"next_step", state.next_step},
                                {"rng", state.rng.state()},
                                {"sampler_next", state.sampler.next_index},
                                {"sampler_completed", state.sampler.completed},
                                {"history_slots", state.sampler.history.size()}}
                               .dump();
  file.metadata["run"] = run_of(settings);
  file.metadata["weights_digest"] = state.weights_digest;
  write_stage_file(path, file);
}

DenoiseState read_denoise_state(const std::filesystem::path& path, const RunSettings& settings,
                                DenoiseState fresh) {
  StageFile file = read_stage_file(path);
  try {
    restore(json::parse(file.metadata.at("state")), settings.levels.timesteps.size(), fresh);
  } catch (const std::exception&) {
    fail(ErrorCode::kBadFile, str_cat('"', path.string(), "\" is damaged."), "Make the clip anew.");
  }
  const std::string run = run_of(settings);
  REEL_REQUIRE(file.metadata["run"] == run, kBadFile,
               str_cat('"', path.string(), "\" was written by a run with other settings: ",
                       file.metadata["run"], "; this one has ", run, '.'),
               "Ask for the same seed, steps and sampler, or name a file that is not there yet.");
  for (size_t at = 0; at < fresh.sampler.history.size(); ++at) {
    if (file.find(history_name(at)) == nullptr) continue;
    const Tensor history = take_f32(file, history_name(at), path);
    const auto values = history.values<float>();
    fresh.sampler.history[at].assign(values.begin(), values.end());
  }
  Tensor latents = take_f32(file, "latents", path);
  REEL_REQUIRE(latents.shape() == fresh.latents.shape(), kBadFile,
               str_cat('"', path.string(), "\" holds latents ", latents.shape(),
                       ", this run needs ", fresh.latents.shape(), '.'),
               "Ask for the same size and frames, or name a file that is not there yet.");
  fresh.latents = std::move(latents);
  fresh.weights_digest = file.metadata["weights_digest"];  // empty in files of old versions
  return fresh;
}

}  // namespace reel::pipeline
