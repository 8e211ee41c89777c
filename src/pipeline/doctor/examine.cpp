// SPDX-License-Identifier: Apache-2.0
#include <reel/bench.h>
#include <reel/doctor.h>
#include <reel/inspect.h>
#include <reel/version.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

#include "backends/cuda/gpu.h"
#include "base/available_memory.h"
#include "base/error.h"
#include "base/host_facts.h"
#include "base/parallel.h"
#include "pipeline/bench/transfers.h"
#include "pipeline/doctor/clip_times.h"
#include "pipeline/doctor/gpu_findings.h"
#include "pipeline/doctor/host_findings.h"
#include "pipeline/doctor/prediction.h"
#include "pipeline/doctor/self_test.h"
#include "pipeline/machine_file.h"
#include "pipeline/runtime.h"

namespace reel {
namespace {

using namespace pipeline;
namespace fs = std::filesystem;

class Examination {
 public:
  Examination(const DoctorRequest& request, Progress& progress)
      : request_(request), progress_(progress), stop_(progress.stop_requested) {}

  DoctorReport run() {
    report_.version = kVersion;
    add(findings_on(host_facts(), usable_cores(), available_memory_bytes()));
    look_at_gpu();
    report_.findings.push_back(finding_on_video());
    test_kernels();
    if (request_.measure) measure();
    tell_rates();
    tell_disk();
    predict();
    return std::move(report_);
  }

 private:
  void add(std::vector<Finding> findings) {
    report_.findings.insert(report_.findings.end(), std::make_move_iterator(findings.begin()),
                            std::make_move_iterator(findings.end()));
  }

  void look_at_gpu() {
    const int index = gpu_index(request_.model.device);
    for (const cuda::GpuFacts& gpu : cuda::list_gpus()) {
      if (gpu.index == index) gpu_ = gpu;
    }
    if (gpu_) {
      add(findings_on(*gpu_, cuda::versions(), card_state(*gpu_)));
      report_.findings.push_back(finding_on_kernels(*gpu_));
      return;
    }
    if (request_.model.device == "cpu") return;
    try {
      cuda::open_gpu(std::max(index, 0));
    } catch (const Error& error) {
      report_.findings.push_back({.area = "GPU",
                                  .health = Health::kRemark,
                                  .text = error.what(),
                                  .advice = "Clips are made on the CPU meanwhile: quick for the "
                                            "demo model, hours for the 14B."});
    }
  }

  void test_kernels() {
    progress_.on_note("Testing every kernel against plain code that does the same.");
    ModelOptions options = request_.model;
    options.vram_bytes = 0;
    if (!gpu_) options.device = "cpu";
    Runtime runtime(options, stop_);
    const std::vector<KernelCheck> checks = check_kernels(runtime);
    int passed = 0;
    for (const KernelCheck& check : checks) {
      if (check.passes()) {
        ++passed;
        continue;
      }
      char error[32];
      std::snprintf(error, sizeof error, "%.1e", check.error);
      report_.findings.push_back(
          {.area = "self-test",
           .health = Health::kProblem,
           .text = str_cat(check.op, " (", check.shape, ") is off by ", error),
           .advice = "Clips would be wrong. Please report this, with the file that --report "
                     "writes."});
    }
    report_.findings.push_back(
        {.area = "self-test",
         .text = str_cat(passed, " of ", checks.size(), " ops agree with the reference (",
                         kernels_in_words(runtime.numbers()), ")"),
         .advice = {}});
  }

  void measure() {
    BenchRequest bench{.model = request_.model, .sampling = {}, .prompt = {}};
    bench.model.model.clear();  // ops alone, no clip
    if (!gpu_) bench.model.device = "cpu";
    const BenchReport measured = run_bench(bench, progress_);
    report_.date = measured.date;
    if (gpu_) return;
    char text[160];
    std::snprintf(text, sizeof text,
                  "a step of the 1.3B at 256x256, 17 frames would take %.1f s on this processor",
                  measured.block_s * measured.blocks);
    report_.findings.push_back({.area = "speed", .text = text, .advice = {}});
  }

  void tell_rates() {
    if (!gpu_) return;
    const auto rates = saved_rates(machine_file(), gpu_->name);
    if (!rates) return;
    const memory::Machine assumed = memory::assumed_machine(gpu_->name);
    report_.findings.push_back(finding_on_rates(*rates, assumed.rates, assumed.gpu));
    disk_ = *rates;
  }

  // That of the model where one is named, else that of the cache folder.
  void tell_disk() {
    const auto weights = request_.measure ? largest_file() : std::nullopt;
    if (weights || (request_.measure && !disk_)) {
      progress_.on_note("Measuring the disk.");
      const fs::path folder = machine_file().parent_path();
      fs::create_directories(folder);
      const ReadRates reads = read_rates(weights, folder);
      disk_ = memory::Rates{};
      disk_->disk_bytes = reads.disk_bytes;
      disk_->cache_bytes = reads.cache_bytes;
    }
    if (!disk_) return;
    report_.findings.push_back(finding_on_disk(*disk_));
    if (weights) report_.findings.back().text += ", where the model lies";
  }

  // Of the model that was named.
  std::optional<fs::path> largest_file() const {
    if (request_.model.model.empty()) return std::nullopt;
    const Inspection found = inspect(request_.model);
    if (found.networks.empty()) return std::nullopt;
    const fs::path weights = found.networks[0].path;
    if (!fs::is_directory(weights)) return weights;
    std::optional<fs::path> largest;
    for (const auto& entry : fs::directory_iterator(weights)) {
      if (!entry.is_regular_file()) continue;
      if (!largest || entry.file_size() > fs::file_size(*largest)) largest = entry.path();
    }
    return largest;
  }

  void predict() {
    if (!gpu_ && request_.clip.empty()) return;
    DoctorRequest wanted = request_;
    if (!request_.clip.empty()) {
      const MadeClip clip = read_made_clip(request_.clip);
      REEL_REQUIRE(clip.device != "cpu", kInvalidArgument,
                   "The clip was made on a CPU, for which times are not predicted.");
      REEL_REQUIRE(!request_.model.model.empty() || clip.model_name == "demo", kInvalidArgument,
                   str_cat("The clip was made with \"", clip.model_name, "\"."),
                   "Say where that model is with --model.");
      wanted.sampling = clip.sampling;
      add(compare_times(clip, plan_of(wanted, clip.model_name)));
      return;
    }
    add(findings_on(predict_clip(wanted, progress_)));
  }

  // Of the demo model too, which has no path of its own.
  Plan plan_of(const DoctorRequest& wanted, const std::string& model_name) {
    if (model_name == "demo" && wanted.model.model.empty()) {
      return make_plan({.model = wanted.model, .sampling = wanted.sampling});
    }
    return predict_clip(wanted, progress_);
  }

  const DoctorRequest& request_;
  Progress& progress_;
  const StopFlag stop_;
  std::optional<cuda::GpuFacts> gpu_;
  std::optional<memory::Rates> disk_;
  DoctorReport report_;
};

}  // namespace

DoctorReport examine_machine(const DoctorRequest& request, Progress& progress) {
  return Examination(request, progress).run();
}

}  // namespace reel
