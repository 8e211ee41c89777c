// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/requirements.h"

#include <fstream>
#include <iterator>

#include "base/error.h"

namespace reel::cuda {
namespace {

// The oldest driver branch on Linux for a CUDA version, of which any minor one will do. NVIDIA,
// "CUDA Compatibility", table of minor version compatibility.
std::string oldest_driver(std::string_view cuda_version) {
  if (cuda_version.starts_with("12.")) return "525";
  if (cuda_version.starts_with("13.")) return "580";
  return {};
}

std::string needed_driver(const Versions& versions) {
  const std::string driver = oldest_driver(versions.built_with);
  return driver.empty() ? str_cat("a driver for CUDA ", versions.built_with)
                        : str_cat("driver ", driver, " or newer (CUDA ", versions.built_with, ')');
}

}  // namespace

void fail_to_start(StartFailure why, const Versions& versions, const std::string& driver_release,
                   const std::string& cuda_says) {
  const std::string needed = needed_driver(versions);
  const std::string release = driver_release.empty() ? "" : ' ' + driver_release;
  switch (why) {
    case StartFailure::kInsufficientDriver:
      if (versions.driver_supports.empty() && release.empty()) {
        fail(ErrorCode::kUnsupported,
             str_cat("No NVIDIA driver was found; ", needed, " is needed."),
             "Install one, or use --device cpu.");
      }
      if (versions.driver_supports.empty()) {
        fail(ErrorCode::kUnsupported,
             str_cat("NVIDIA driver", release, " has no CUDA library here (libcuda.so.1); ", needed,
                     " with it is needed."),
             "Install the driver's CUDA library, or use --device cpu.");
      }
      fail(ErrorCode::kUnsupported,
           str_cat("NVIDIA driver", release, " runs CUDA up to ", versions.driver_supports, "; ",
                   needed, " is needed."),
           "Update the driver, or use --device cpu.");
    case StartFailure::kNoDevice:
      fail(ErrorCode::kUnsupported, "CUDA sees no GPU.",
           "Check CUDA_VISIBLE_DEVICES and nvidia-smi, or use --device cpu.");
    case StartFailure::kOther: break;
  }
  fail(ErrorCode::kUnsupported, str_cat("CUDA does not start: ", cuda_says, '.'),
       "Check that nvidia-smi works, or use --device cpu.");
}

void require_capability(const GpuFacts& facts) {
  REEL_REQUIRE(facts.major >= kOldestMajor, kUnsupported,
               str_cat(facts.name, " has compute capability ", facts.major, '.', facts.minor, "; ",
                       kOldestMajor, ".0 (Ampere) or newer is needed."),
               "Use --device cpu.");
}

std::string parse_driver_release(std::string_view text) {
  constexpr std::string_view kBefore = "Kernel Module";
  const size_t found = text.find(kBefore);
  if (found == std::string_view::npos) return {};
  const std::string_view line = text.substr(found, text.find('\n', found) - found);
  // The first word with digits and a point; the open driver has "for x86_64" before it.
  for (size_t at = kBefore.size(); at < line.size();) {
    const size_t start = line.find_first_not_of(' ', at);
    if (start == std::string_view::npos) break;
    const std::string_view word = line.substr(start, line.find(' ', start) - start);
    const bool is_number = word.find_first_not_of("0123456789.") == std::string_view::npos;
    if (is_number && word.find('.') != std::string_view::npos) return std::string(word);
    at = start + word.size();
  }
  return {};
}

std::string driver_release() {
  std::ifstream file("/proc/driver/nvidia/version");
  return parse_driver_release(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace reel::cuda
