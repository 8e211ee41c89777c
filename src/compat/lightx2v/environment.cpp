// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/environment.h"

#include <array>

#include "base/error.h"
#include "formats/quoted.h"

namespace reel::compat::lightx2v {
namespace {

constexpr auto kIgnored = std::to_array<const char*>(
    {"DTYPE", "SENSITIVE_LAYER_DTYPE", "PROFILING_DEBUG_LEVEL", "RECORDER_MODE",
     "USE_CHANNELS_LAST_3D", "RUNNING_FLAG", "PLATFORM", "LIGHTX2V_TORCH_PROFILER_FULL",
     "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF", "TOKENIZERS_PARALLELISM"});

// What Reel does in any case.
bool says_what_is_done(std::string_view name, const std::string& value) {
  if (name == "DTYPE") return value == "BF16";
  if (name == "SENSITIVE_LAYER_DTYPE") return value == "FP32";
  if (name == "PLATFORM") return value == "cuda";
  return value == "0";
}

}  // namespace

std::span<const char* const> ignored_variables() { return kIgnored; }

std::vector<std::string> check_environment(const GetVariable& get) {
  const auto processes = get("WORLD_SIZE");
  REEL_REQUIRE(
      !processes || *processes == "1", kUnsupported,
      str_cat("WORLD_SIZE is ", formats::quoted_name(processes.value_or("")),
              "; Reel makes a clip in one process."),
      "Start reel infer by itself, without torchrun; --device cuda:0,cuda:1 is for several GPUs.");
  std::vector<std::string> names;
  for (const char* name : kIgnored) {
    const auto value = get(name);
    if (value && !says_what_is_done(name, *value)) names.emplace_back(name);
  }
  return names;
}

}  // namespace reel::compat::lightx2v
