// SPDX-License-Identifier: Apache-2.0
// What a run took, as JSON.
#include <reel/report.h>

#include <nlohmann/json.hpp>

namespace reel {
namespace {

using nlohmann::json;

json json_of(const StageReport& stage) {
  json tags = json::array();
  for (const TagUse& use : stage.memory) {
    tags.push_back(
        {{"tag", use.tag}, {"peak_bytes", use.peak_bytes}, {"at_peak_bytes", use.at_peak_bytes}});
  }
  json text{{"stage", stage.stage},           {"seconds", stage.seconds},
            {"read_bytes", stage.read_bytes}, {"upload_bytes", stage.upload_bytes},
            {"stall_seconds", stage.stall_s}, {"peak_bytes", stage.peak_bytes},
            {"memory", std::move(tags)}};
  if (stage.is_from_cache) text["from_cache"] = true;
  if (!stage.step_s.empty()) text["step_seconds"] = stage.step_s;
  if (stage.storage_bytes) text["storage_bytes"] = *stage.storage_bytes;
  if (stage.host_bytes) text["host_bytes"] = *stage.host_bytes;
  if (stage.gpu_bytes) text["gpu_bytes"] = *stage.gpu_bytes;
  if (stage.gpu_least_free_bytes) text["gpu_least_free_bytes"] = *stage.gpu_least_free_bytes;
  return text;
}

json json_of(const KernelUse& use) {
  return {{"family", use.family},
          {"kernel", use.kernel},
          {"dtype", use.dtype},
          {"calls", use.calls},
          {"flops", use.flops}};
}

}  // namespace

std::string to_json(const RunReport& report) {
  json stages = json::array();
  for (const StageReport& stage : report.stages) stages.push_back(json_of(stage));
  json kernels = json::array();
  for (const KernelUse& use : report.kernels) kernels.push_back(json_of(use));
  json text{{"seconds", report.total_s},
            {"stages", std::move(stages)},
            {"resident_bytes", report.resident_bytes},
            {"kernels", std::move(kernels)}};
  if (!report.gpu_counted.empty()) text["gpu_counted"] = report.gpu_counted;
  if (!report.frames_digest.empty()) text["frames_digest"] = report.frames_digest;
  if (!report.also_fits.empty()) text["also_fits"] = report.also_fits;
  return text.dump();
}

}  // namespace reel
