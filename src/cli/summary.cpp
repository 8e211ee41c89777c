// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.h"

#include <algorithm>
#include <cstdio>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel::cli {
namespace {

constexpr size_t kMostTagsNamed = 4;

std::string one_decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

uint64_t sum_of(const RunReport& report, uint64_t StageReport::*bytes) {
  uint64_t sum = 0;
  for (const StageReport& stage : report.stages) sum += stage.*bytes;
  return sum;
}

// "; 3.1 GiB of it from disk", where anything was.
std::string from_disk(const RunReport& report) {
  uint64_t bytes = 0;
  for (const StageReport& stage : report.stages) bytes += stage.storage_bytes.value_or(0);
  return bytes == 0 ? std::string() : str_cat(" (", format_bytes(bytes), " fetched from disk)");
}

std::string weights_line(const RunReport& report) {
  std::string line = str_cat("weights: ", format_bytes(sum_of(report, &StageReport::read_bytes)),
                             " read", from_disk(report));
  const uint64_t uploaded = sum_of(report, &StageReport::upload_bytes);
  if (uploaded == 0) return line;
  double stall_s = 0;
  for (const StageReport& stage : report.stages) stall_s += stage.stall_s;
  return str_cat(line, ", ", format_bytes(uploaded), " to the GPU, which waited ",
                 one_decimal(stall_s), " s for them");
}

// "denoise: weights 3.2 GiB, activations 2.0 GiB", of the stage that took the most.
std::string tags_of(const StageReport& stage) {
  std::string text = str_cat(stage.stage, " ", format_bytes(stage.peak_bytes));
  size_t named = 0;
  for (const TagUse& use : stage.memory) {
    if (use.at_peak_bytes == 0 || named == kMostTagsNamed) break;
    text += str_cat(named++ == 0 ? ": " : ", ", use.tag, ' ', format_bytes(use.at_peak_bytes));
  }
  return text;
}

std::string memory_line(const RunReport& report) {
  std::string line = str_cat("memory: ", format_bytes(report.resident_bytes), " at most");
  uint64_t host_bytes = 0;
  for (const StageReport& stage : report.stages) {
    host_bytes = std::max(host_bytes, stage.host_bytes.value_or(0));
  }
  if (host_bytes > 0) line += str_cat(", ", format_bytes(host_bytes), " of it private");
  const auto largest = std::ranges::max_element(report.stages, {}, &StageReport::peak_bytes);
  if (largest == report.stages.end() || largest->peak_bytes == 0) return line;
  return str_cat(line, " (", tags_of(*largest), ')');
}

}  // namespace

std::string summary_of_time(const RunReport& report) {
  std::string text = str_cat(one_decimal(report.total_s), " s");
  for (const StageReport& stage : report.stages) {
    text += str_cat(&stage == &report.stages.front() ? " (" : ", ", stage.stage, ' ',
                    one_decimal(stage.seconds));
  }
  return report.stages.empty() ? text : text + ')';
}

std::vector<std::string> summary_lines(const RunReport& report) {
  return {weights_line(report), memory_line(report), str_cat("kernels: ", report.kernels)};
}

}  // namespace reel::cli
