// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_meter.h"

#include <algorithm>
#include <cstdio>

#include "base/byte_units.h"
#include "base/error.h"
#include "base/log.h"
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

RunMeter::RunMeter(Runtime& runtime)
    : runtime_(runtime),
      watch_(private_bytes, runtime.on_gpu() ? MemoryWatch::Look([&runtime] {
               return runtime.gpu_free_bytes_if_known();
             })
                                             : MemoryWatch::Look()) {}

void RunMeter::begin(memory::Phase stage) {
  report_.stages.push_back({.stage = memory::phase_name(stage)});
  if (OpTrace* const trace = runtime_.trace()) trace->begin_stage(memory::phase_name(stage));
  streamed_before_ = runtime_.streamed();
  storage_before_ = storage_bytes_read();
  runtime_.restart_memory_peaks();
  watch_.restart();
  stage_start_ = Clock::now();
}

void RunMeter::begin_step(int index) {
  step_start_ = Clock::now();
  if (OpTrace* const trace = runtime_.trace()) trace->set_step(index + 1);
}

void RunMeter::end_step() { report_.stages.back().step_s.push_back(seconds_since(step_start_)); }

const StageReport& RunMeter::end() {
  StageReport& stage = report_.stages.back();
  stage.seconds = seconds_since(stage_start_);
  if (OpTrace* const trace = runtime_.trace()) trace->end_stage();
  const memory::StreamerStats& streamed = runtime_.streamed();
  stage.read_bytes = streamed.bytes_read - streamed_before_.bytes_read;
  stage.upload_bytes = streamed.bytes_copied - streamed_before_.bytes_copied;
  stage.stall_s = streamed.stall_seconds - streamed_before_.stall_seconds;
  const auto storage = storage_bytes_read();
  if (storage && storage_before_) stage.storage_bytes = *storage - *storage_before_;
  stage.peak_bytes = runtime_.memory_use().peak_bytes();
  stage.memory = tags_of(runtime_.memory_use());
  const MemoryWatch::Seen seen = watch_.restart();
  stage.host_bytes = seen.most_host_bytes;
  stage.gpu_least_free_bytes = seen.least_gpu_free_bytes;
  if (const auto use = runtime_.gpu_use()) {
    stage.gpu_bytes = use->bytes;
    report_.gpu_counted = use->counted;
  }
  return stage;
}

RunReport RunMeter::report() const {
  RunReport report = report_;
  report.total_s = seconds_since(start_);
  const auto memory = process_memory();
  report.resident_bytes = memory ? memory->most_resident_bytes : 0;
  report.kernels = runtime_.kernel_log().uses();
  return report;
}

void log_stage(const StageReport& stage, const checkpoint::Component& files,
               const Numbers& numbers) {
  char time[32];
  std::snprintf(time, sizeof time, "%.2f s", stage.seconds);
  log_info(str_cat(stage.stage, ": ", files.layout, " in ", precision_name(numbers), ", ", time,
                   ", ", format_bytes(stage.read_bytes), " read, peak ",
                   format_bytes(stage.peak_bytes)));
}

}  // namespace reel::pipeline
