// SPDX-License-Identifier: Apache-2.0
// The rows of docs/TROUBLESHOOTING.md about the GPU: the functions that write these sentences are
// given the driver, card and memory of each case.
#include <gtest/gtest.h>
#include <reel/plan.h>
#include <reel/synth.h>

#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <string>

#include "backends/cuda/requirements.h"
#include "base/byte_units.h"
#include "base/error.h"
#include "pipeline/doctor/gpu_findings.h"
#include "pipeline/doctor/host_findings.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

constexpr auto kNoCuda = cuda::StartFailure::kInsufficientDriver;

std::string what_of(const std::function<void()>& refused) {
  try {
    refused();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

// The text of the finding that is a remark.
std::string remark_in(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    if (finding.health == Health::kRemark) return finding.text;
  }
  return "no remark";
}

std::string memory_of_others() {
  CardState state;
  state.memory = {.free_bytes = 7 * kGiB, .used_bytes = 5 * kGiB};
  state.others = {.programs = 2, .bytes = 4 * kGiB};
  return remark_in(findings_on(cuda::GpuFacts{}, cuda::Versions{}, state));
}

// The 14B on a card with 3 GiB to give.
std::string too_little_memory() {
  const test::TempFolder folder;
  const std::string model = folder / "model";
  synthesize({.layout = "distill_fp8", .preset = "wan2.1-t2v-14b", .out = model, .sparse = true});
  PlanRequest request{.model = {.model = model, .vram_bytes = 3 * kGiB}, .as_gpu = "RTX 4070"};
  return make_plan(request).refusal;
}

std::map<std::string, std::string> produced() {
  return {
      {"no-driver", what_of([] {
         cuda::fail_to_start(kNoCuda, {"", "13.0"}, "", "");
       })},
      {"old-driver", what_of([] {
         cuda::fail_to_start(kNoCuda, {"12.4", "13.0"}, "550.54.15", "");
       })},
      {"driver-without-cuda", what_of([] {
         cuda::fail_to_start(kNoCuda, {"", "13.0"}, "580.65.06", "");
       })},
      {"no-gpu", what_of([] {
         cuda::fail_to_start(cuda::StartFailure::kNoDevice, {"13.0", "13.0"}, "", "");
       })},
      {"cuda-does-not-start", what_of([] {
         cuda::fail_to_start(cuda::StartFailure::kOther, {"13.0", "13.0"}, "",
                             "initialization error");
       })},
      {"old-card", what_of([] {
         cuda::require_capability({.name = "NVIDIA GeForce RTX 2080", .major = 7, .minor = 5});
       })},
      {"too-little-gpu-memory", too_little_memory()},
      {"gpu-memory-of-others", memory_of_others()},
      {"wsl-spill", remark_in(findings_on(HostFacts{.is_wsl = true}, 1, 30 * kGiB))},
  };
}

std::map<std::string, std::string> rows_of_page() {
  std::map<std::string, std::string> rows;
  std::ifstream page(REEL_TROUBLESHOOTING_PAGE);
  const std::regex row(R"(\| `([\w-]+)` \| (.*) \| .* \|)");
  bool is_there = false;
  for (std::string line; std::getline(page, line);) {
    std::smatch cells;
    if (line == "## The GPU") is_there = true;
    if (is_there && std::regex_match(line, cells, row)) rows[cells[1]] = cells[2];
  }
  return rows;
}

TEST(Troubleshooting, TheGpusMessagesAreThoseOfThePage) { EXPECT_EQ(produced(), rows_of_page()); }

}  // namespace
}  // namespace reel::pipeline
