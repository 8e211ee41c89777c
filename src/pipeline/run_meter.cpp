// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_meter.h"

#include <algorithm>

#include "base/process_memory.h"

namespace reel::pipeline {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::optional<uint64_t> private_bytes() {
  const auto memory = process_memory();
  return memory ? std::optional(memory->private_bytes) : std::nullopt;
}

// Largest first; what had nothing is left out.
std::vector<TagUse> tags_of(const MemoryUse& use) {
  std::vector<TagUse> tags;
  for (const auto& [tag, one] : use.by_tag()) {
    if (one.peak_bytes == 0) continue;
    tags.push_back({.tag = tag, .peak_bytes = one.peak_bytes, .at_peak_bytes = one.at_peak_bytes});
  }
  std::ranges::stable_sort(tags, std::greater{}, &TagUse::at_peak_bytes);
  return tags;
}

}  // namespace

RunMeter::RunMeter(Runtime& runtime) : runtime_(runtime), watch_(private_bytes, {}) {}

void RunMeter::begin(memory::Phase stage) {
  report_.stages.push_back({.stage = memory::phase_name(stage)});
  streamed_before_ = runtime_.streamed();
  storage_before_ = storage_bytes_read();
  runtime_.restart_memory_peaks();
  watch_.restart();
  stage_start_ = Clock::now();
}

void RunMeter::begin_step() { step_start_ = Clock::now(); }

void RunMeter::end_step() { report_.stages.back().step_s.push_back(seconds_since(step_start_)); }

const StageReport& RunMeter::end() {
  StageReport& stage = report_.stages.back();
  stage.seconds = seconds_since(stage_start_);
  const memory::StreamerStats& streamed = runtime_.streamed();
  stage.read_bytes = streamed.bytes_read - streamed_before_.bytes_read;
  stage.upload_bytes = streamed.bytes_copied - streamed_before_.bytes_copied;
  stage.stall_s = streamed.stall_seconds - streamed_before_.stall_seconds;
  const auto storage = storage_bytes_read();
  if (storage && storage_before_) stage.storage_bytes = *storage - *storage_before_;
  stage.peak_bytes = runtime_.memory_use().peak_bytes();
  stage.memory = tags_of(runtime_.memory_use());
  stage.host_bytes = watch_.restart().most_host_bytes;
  return stage;
}

RunReport RunMeter::report() const {
  RunReport report = report_;
  report.total_s = seconds_since(start_);
  const auto memory = process_memory();
  report.resident_bytes = memory ? memory->most_resident_bytes : 0;
  report.kernels = runtime_.kernels_summary();
  return report;
}

}  // namespace reel::pipeline
