// SPDX-License-Identifier: Apache-2.0
#include <reel/bench.h>
#include <reel/engine.h>
#include <reel/version.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <utility>

#include "backends/cuda/nvml.h"
#include "base/env.h"
#include "base/error.h"
#include "base/parallel.h"
#include "pipeline/bench/conv_ops.h"
#include "pipeline/bench/dit_ops.h"
#include "pipeline/bench/source_commit.h"
#include "pipeline/bench/transfers.h"
#include "pipeline/latent_shape.h"
#include "pipeline/machine_file.h"
#include "pipeline/runtime.h"

namespace reel {
namespace {

using namespace pipeline;
namespace fs = std::filesystem;

// The 14B on a GPU; on a CPU the 1.3B, which does not take minutes there.
constexpr BenchShape kGpuShape{.dim = 5120, .ffn_dim = 13824, .blocks = 40};
constexpr BenchShape kCpuShape{.dim = 1536, .ffn_dim = 8960, .blocks = 30};
constexpr int kClips = 2;  // the second finds files in the page cache and the GPU awake

std::string now() {
  const std::time_t time = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

VideoSize size_of(const SamplingOptions& sampling, bool on_gpu) {
  return {.frames = sampling.frames.value_or(on_gpu ? 81 : 17),
          .height_px = sampling.height_px.value_or(on_gpu ? 480 : 256),
          .width_px = sampling.width_px.value_or(on_gpu ? 832 : 256)};
}

// A folder that is gone at the end of a scope.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(fs::temp_directory_path() / ("reel-bench-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

BenchClip time_clip(const BenchRequest& request, Progress& progress) {
  const TemporaryFolder folder;
  Engine engine(request.model);
  BenchClip best{.model = fs::path(request.model.model).filename().string()};
  for (int clip = 0; clip < kClips; ++clip) {
    VideoRequest wanted{.prompt = request.prompt, .sampling = request.sampling};
    wanted.sampling.seed = 1;
    wanted.out = (folder.path() / "clip.mp4").string();
    wanted.overwrite = true;
    const VideoResult made = engine.generate(wanted, progress);
    best.width_px = made.width_px;
    best.height_px = made.height_px;
    best.frames = made.frames;
    best.peak_memory_bytes = std::max(best.peak_memory_bytes, made.report.resident_bytes);
    if (clip > 0 && made.report.total_s >= best.total_s) continue;
    best.encode_s = made.report.seconds_of("text");
    best.denoise_s = made.report.seconds_of("denoise");
    best.decode_s = made.report.seconds_of("decode");
    best.total_s = made.report.total_s;
  }
  return best;
}

void add_rate(BenchReport& report, const char* name, double per_second, const char* unit) {
  if (per_second > 0) report.rates.push_back({name, per_second, unit});
}

void describe_card(const cuda::GpuFacts& gpu, BenchReport& report) {
  const auto nvml = cuda::Nvml::open(gpu.bus_id);
  if (nvml == nullptr) return;
  report.driver = nvml->driver_release();
  if (const auto power = nvml->power()) report.power_limit_w = power->limit_w;
}

// Rates of a GPU: what the ops sustain, and how weights get there. Plans are for 8-bit products, so
// they learn those of a run with them alone.
void calibrate(Runtime& runtime, memory::Rates rates, double conv_ops, BenchReport& report) {
  ops::Context ctx = runtime.context(runtime.numbers());
  rates.conv_ops = conv_ops;
  rates.upload_bytes = upload_rate(runtime.copies(), ctx.memory);
  const fs::path file = machine_file();
  fs::create_directories(file.parent_path());
  const ReadRates reads = read_rates(std::nullopt, file.parent_path());
  rates.cache_bytes = reads.cache_bytes;
  rates.disk_bytes = reads.disk_bytes;
  add_rate(report, "pinned memory to the GPU", rates.upload_bytes, "B");
  add_rate(report, "page cache to memory", rates.cache_bytes, "B");
  add_rate(report, "disk to memory", rates.disk_bytes, "B");
  if (runtime.numbers().precision.matrices != DType::kI8) return;
  save_rates(file, runtime.gpu()->name, rates);
  report.saved_to = file.string();
}

// What the GPU can do at most; nothing of a CPU.
Limits measure_limits(Runtime& runtime, BenchReport& report, Progress& progress) {
  if (!runtime.on_gpu()) return {};
  progress.on_note("Measuring what the GPU can do at most.");
  const cuda::GpuLimits most = runtime.measure_limits();
  report.sm_clock_hz = most.sm_clock_hz;
  report.power_w = most.power_w;
  describe_card(*runtime.gpu(), report);
  add_rate(report, "INT8 tensor cores (mma.sync)", most.int8_ops, "op");
  add_rate(report, "f16 tensor cores (mma.sync)", most.f16_ops, "op");
  add_rate(report, "bf16 tensor cores (mma.sync)", most.bf16_ops, "op");
  add_rate(report, "copy within GPU memory, read and written", most.copied_bytes, "B");
  return {.int8_ops = most.int8_ops, .wide_ops = most.f16_ops, .memory_bytes = most.copied_bytes};
}

// Throws kInvalidArgument for a size that no clip has.
BenchShape shape_of(const VideoSize& size, bool on_gpu) {
  REEL_REQUIRE(size.width_px >= 16 && size.height_px >= 16 && size.frames >= 1, kInvalidArgument,
               str_cat("The size is ", size.width_px, "x", size.height_px, ", ", size.frames,
                       " frames; 16x16 and one frame are the least."));
  BenchShape shape = on_gpu ? kGpuShape : kCpuShape;
  shape.tokens = (size.width_px / 16) * (size.height_px / 16) * ((size.frames - 1) / 4 + 1);
  return shape;
}

void describe_run(Runtime& runtime, const BenchShape& shape, BenchReport& report) {
  report.device = runtime.device_name();
  report.kernels = runtime.kernels_summary();
  report.precision = precision_name(runtime.numbers());
  report.threads = compute_threads();
  report.dim = shape.dim;
  report.ffn_dim = shape.ffn_dim;
  report.tokens = shape.tokens;
  report.row_chunk = runtime.context(runtime.numbers()).row_chunk;
  report.blocks = static_cast<int>(shape.blocks);
}

void time_ops(const BenchRequest& request, const StopFlag& stop, BenchReport& report,
              Progress& progress) {
  ModelOptions options = request.model;
  options.vram_bytes = 0;  // ops are timed, not what a budget lets stay
  Runtime runtime(options, stop);
  const VideoSize size = size_of(request.sampling, runtime.on_gpu());
  const BenchShape shape = shape_of(size, runtime.on_gpu());
  describe_run(runtime, shape, report);
  const Limits limits = measure_limits(runtime, report, progress);
  progress.on_note("Measuring the DiT's ops and one block.");
  DitTimes dit = time_dit(runtime, shape, limits);
  report.ops = std::move(dit.ops);
  report.block_s = dit.block_s;
  progress.on_note("Measuring the decoder's convolutions.");
  const ConvTimes convs = time_convs(runtime, size.height_px, size.width_px, limits.wide_ops);
  report.ops.insert(report.ops.end(), convs.ops.begin(), convs.ops.end());
  if (!runtime.on_gpu()) return;
  progress.on_note("Measuring copies and reads.");
  calibrate(runtime, dit.sustained, convs.sustained_ops, report);
}

}  // namespace

BenchReport run_bench(const BenchRequest& request, Progress& progress) {
  const StopFlag stop(progress.stop_requested);
  BenchReport report{.version = kVersion, .date = now(), .commit = source_commit()};
  time_ops(request, stop, report, progress);
  if (!request.model.model.empty()) {
    progress.on_note("Making two clips.");
    report.clips.push_back(time_clip(request, progress));
  }
  return report;
}

}  // namespace reel
