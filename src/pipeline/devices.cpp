// SPDX-License-Identifier: Apache-2.0
#include "pipeline/devices.h"

#include <algorithm>
#include <charconv>

#include "backends/cuda/gpu.h"
#include "base/error.h"

namespace reel::pipeline {
namespace {

constexpr size_t kMostDevices = 8;

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

}  // namespace

std::vector<std::string> device_list(const std::string& devices) {
  std::vector<std::string> list = split_at_commas(devices);
  if (list.size() == 1) return list;
  REEL_REQUIRE(list.size() <= kMostDevices, kInvalidArgument,
               str_cat("device names ", list.size(), " devices; at most ", kMostDevices,
                       " work on one clip."));
  std::vector<int> gpus;
  for (const std::string& device : list) {
    REEL_REQUIRE(device != "auto", kInvalidArgument,
                 str_cat("device is \"", devices, "\"; of several, each needs its name."),
                 "Write them like cuda:0,cuda:1.");
    gpus.push_back(gpu_index(device));
  }
  std::ranges::sort(gpus);
  const bool are_cpus = gpus.back() < 0;
  const bool are_different = std::ranges::adjacent_find(gpus) == gpus.end() && gpus.front() >= 0;
  REEL_REQUIRE(are_cpus || are_different, kInvalidArgument,
               str_cat("device is \"", devices, "\"; several must be different GPUs."),
               "Write them like cuda:0,cuda:1.");
  return list;
}

std::string first_device(const std::string& devices) { return device_list(devices).front(); }

int gpu_index(const std::string& device) {
  if (device == "cpu") return -1;
  if (device == "auto") {
    for (const cuda::GpuFacts& gpu : cuda::list_gpus()) {
      if (gpu.major >= cuda::kOldestMajor) return gpu.index;
    }
    return -1;
  }
  if (device == "cuda") return 0;
  REEL_REQUIRE(device.find(',') == std::string::npos, kInvalidArgument,
               str_cat("device is \"", device, "\"; this runs on one device."));
  int index = -1;
  const std::string prefix = "cuda:";
  if (device.starts_with(prefix)) {
    const char* const end = device.data() + device.size();
    const auto parsed = std::from_chars(device.data() + prefix.size(), end, index);
    if (parsed.ec != std::errc() || parsed.ptr != end) index = -1;
  }
  REEL_REQUIRE(index >= 0, kInvalidArgument,
               str_cat("device is \"", device, "\"; auto, cpu and cuda:0 are possible."));
  return index;
}

schedulers::GpuShape noise_gpu(const std::string& device) {
  const int index = gpu_index(device);
  for (const cuda::GpuFacts& gpu : cuda::list_gpus()) {
    if (gpu.index == index) return {gpu.multiprocessors, gpu.threads_per_multiprocessor};
  }
  return {};
}

}  // namespace reel::pipeline
