// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string_view>

#include "base/byte_units.h"
#include "base/error.h"

namespace reel::cli {
namespace {

constexpr size_t kMostTagsNamed = 4;
constexpr double kLeastShareNamed = 0.01;

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

// "denoise took 5.2 GiB: weights 3.2 GiB, activations 2.0 GiB"
std::string tags_of(const StageReport& stage) {
  std::string text = str_cat(stage.stage, " took ", format_bytes(stage.peak_bytes));
  size_t named = 0;
  for (const TagUse& use : stage.memory) {
    const auto share =
        static_cast<double>(use.at_peak_bytes) / static_cast<double>(stage.peak_bytes);
    if (share < kLeastShareNamed || named == kMostTagsNamed) break;
    text += str_cat(named++ == 0 ? ": " : ", ", use.tag, ' ', format_bytes(use.at_peak_bytes));
  }
  return text;
}

uint64_t most_of(const RunReport& report, std::optional<uint64_t> StageReport::*bytes) {
  uint64_t most = 0;
  for (const StageReport& stage : report.stages) most = std::max(most, (stage.*bytes).value_or(0));
  return most;
}

// "7.1 GiB of GPU memory by the driver's count", with a word on what else that may hold.
std::string gpu_use(const RunReport& report) {
  const uint64_t bytes = most_of(report, &StageReport::gpu_bytes);
  if (bytes == 0) return {};
  const std::string of =
      report.gpu_counted == "this process" ? std::string() : str_cat(" (", report.gpu_counted, ')');
  return str_cat("GPU ", format_bytes(bytes), " by the driver's count", of, ", ");
}

std::string memory_line(const RunReport& report) {
  const std::string gpu = gpu_use(report);
  std::string line = str_cat("memory: ", gpu, gpu.empty() ? "" : "host ",
                             format_bytes(report.resident_bytes), " at most");
  const uint64_t host_bytes = most_of(report, &StageReport::host_bytes);
  if (host_bytes > 0) line += str_cat(", ", format_bytes(host_bytes), " without mapped files");
  const auto largest = std::ranges::max_element(report.stages, {}, &StageReport::peak_bytes);
  if (largest == report.stages.end() || largest->peak_bytes == 0) return line;
  return str_cat(line, "; ", tags_of(*largest));
}

// "products AMX bf16, attention AMX bf16", without what did next to nothing.
std::string kernels_line(const RunReport& report) {
  std::map<std::string_view, double> flops;
  for (const KernelUse& use : report.kernels) flops[use.family] += use.flops;
  std::string line;
  std::string_view family;
  for (const KernelUse& use : report.kernels) {
    if (use.flops < kLeastShareNamed * flops[use.family]) continue;
    const bool is_new = use.family != family;
    line += str_cat(line.empty() ? ""
                    : is_new     ? ", "
                                 : " and ",
                    is_new ? use.family + ' ' : "", use.kernel, ' ', use.dtype);
    family = use.family;
  }
  return str_cat("kernels: ", line);
}

}  // namespace

std::string summary_of_time(const RunReport& report) {
  std::string text = str_cat(one_decimal(report.total_s), " s");
  for (const StageReport& stage : report.stages) {
    text += str_cat(&stage == &report.stages.front() ? " (" : ", ", stage.stage, ' ',
                    stage.is_from_cache ? "from the cache" : one_decimal(stage.seconds));
  }
  return report.stages.empty() ? text : text + ')';
}

std::vector<std::string> summary_lines(const RunReport& report) {
  std::vector<std::string> lines{weights_line(report), memory_line(report), kernels_line(report)};
  std::string fits;
  for (const std::string& one : report.also_fits) fits += (fits.empty() ? "" : "; ") + one;
  if (!fits.empty()) lines.push_back("would have fitted too: " + fits);
  return lines;
}

}  // namespace reel::cli
