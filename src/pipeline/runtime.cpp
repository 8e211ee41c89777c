// SPDX-License-Identifier: Apache-2.0
#include "pipeline/runtime.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "backends/cpu/backend.h"
#include "base/available_memory.h"
#include "base/error.h"
#include "base/log.h"
#include "base/parallel.h"
#include "memory/tags.h"
#include "pipeline/attention_trial.h"
#include "pipeline/machine_file.h"
#include "pipeline/peers.h"

namespace reel::pipeline {
namespace {

static_assert(memory::kGpuMostFlopsPerCall == cuda::kMostFlopsPerCall,
              "a plan without a GPU counts what a run on one takes");

// Where the system does not tell.
constexpr uint64_t kAssumedMemoryBytes = uint64_t{4} << 30;

std::unique_ptr<cuda::Gpu> open_gpu(int index, const std::string& device) {
  try {
    return cuda::open_gpu(index);
  } catch (const Error& error) {
    fail(error.code(), str_cat("device \"", device, "\" cannot be used: ", error.what()),
         error.hint());
  }
}

// Threads that fill the pinned ring. On an H200's host with 16 cores, 4, 6, 8 and 12 of them
// brought the text encoder's 4.6 GB in within 0.64, 0.54, 0.47 and 0.34 s.
constexpr int kFewestReaders = 2;
constexpr int kMostReaders = 12;

// Null for the CPU.
std::unique_ptr<cuda::Gpu> choose_gpu(const ModelOptions& options) {
  const int index = gpu_index(options.device);
  return index < 0 ? nullptr : open_gpu(index, options.device);
}

}  // namespace

Runtime::Runtime(const ModelOptions& options, const StopFlag& stop_flag, int sharers)
    : Runtime(options, stop_flag, choose_gpu(options), sharers) {}

std::unique_ptr<Runtime> Runtime::on_all_devices(const ModelOptions& options,
                                                 const StopFlag& stop_flag) {
  const std::vector<std::string> devices = device_list(options.device);
  ModelOptions own = options;
  own.device = devices.front();
  own.precision = precision_of_all(options.precision, devices, cuda::list_gpus());
  auto runtime = std::make_unique<Runtime>(own, stop_flag, static_cast<int>(devices.size()));
  if (devices.size() > 1) {
    // All compute as the first does.
    if (runtime->on_gpu()) own.precision = precision_name(runtime->numbers());
    stop_flag.check();  // a context takes the driver a third of a second
    runtime->peers_ =
        std::make_unique<Peers>(own, std::vector<std::string>(devices.begin() + 1, devices.end()));
    stop_flag.check();
    runtime->peers_->connect(*runtime);
  }
  return runtime;
}

Runtime::Runtime(const ModelOptions& options, const StopFlag& stop_flag,
                 std::unique_ptr<cuda::Gpu> gpu, int sharers)
    : stop_(stop_flag), gpu_(std::move(gpu)), sharers_(sharers) {
  REEL_REQUIRE(options.threads >= 0 && options.threads <= 1024, kInvalidArgument,
               str_cat("threads is ", options.threads, "; 1 to 1024 are possible."));
  set_compute_threads(
      std::min(options.threads == 0 ? usable_cores() : options.threads, usable_cores()));
  weight_budget_bytes_ = options.ram_bytes != 0
                             ? options.ram_bytes
                             : available_memory_bytes().value_or(kAssumedMemoryBytes) / 2;
  weight_budget_bytes_ /= static_cast<uint64_t>(sharers);
  if (!on_gpu()) {
    numbers_ = cpu_numbers(options.precision);
    counted_.emplace(host_memory());
  } else {
    numbers_ = gpu_numbers(options.precision, *gpu_);
    if (options.precision == "auto") try_fp8_values();
    budget_ = {.card_bytes = options.vram_bytes,
               .ram_bytes = options.ram_bytes / static_cast<uint64_t>(sharers)};
    counted_.emplace(gpu_->memory());
    weight_budget_bytes_ = gpu_->free_bytes();
  }
  keeps_text_ = options.text_cache && options.trace.empty();
  watch_kernels(options.trace);
  memory_ = &*counted_;
  arena_ = std::make_unique<Arena>(memory::tags::kActivations, *memory_);
}

Runtime::~Runtime() = default;

void Runtime::try_fp8_values() {
  if (numbers_.attention_values != DType::kF8E4M3) return;
  Arena arena("attention trial", gpu_->memory());
  const double error = fp8_values_error({.kernels = gpu_->kernels(),
                                         .arena = arena,
                                         .stop = stop_,
                                         .compute = numbers_.precision.compute,
                                         .stream = stream(),
                                         .memory = gpu_->memory()});
  if (error <= kMostFp8ValuesError) return;
  numbers_.attention_values = DType::kF16;
  log_warning(str_cat("Attention with FP8 values is ", error, " away from that with f16 values on ",
                      own_device_name(), ", where at most ", kMostFp8ValuesError,
                      " is right; f16 values are taken, which is slower. `reel doctor` tests all "
                      "kernels."));
}

void Runtime::watch_kernels(const std::string& trace) {
  kernels_ = ops::observed(on_gpu() ? gpu_->kernels() : cpu::kernels(), kernel_log_);
  if (!trace.empty()) {
    CopyEngine& clock = on_gpu() ? gpu_->copies() : host_copies_;
    trace_.emplace(trace, clock, stream());
    kernels_ = ops::observed(kernels_, *trace_);
  }
  if (!on_gpu()) return;
  // Outermost: the trace's time of a call has ended before the host waits.
  pacer_.emplace(gpu_->copies(), stream(), kernels_.most_flops_per_call / 2);
  kernels_ = ops::observed(kernels_, *pacer_);
}

const MemoryUse& Runtime::memory_use() const {
  return planned_ ? planned_->region().use() : counted_->use();
}

void Runtime::restart_memory_peaks() {
  planned_ ? planned_->region().restart_peaks() : counted_->use().restart_peaks();
}

Numbers Runtime::text_numbers() const {
  const DType compute = numbers_.precision.compute;
  return {.precision = {.compute = compute, .matrices = compute}};
}

Numbers Runtime::vae_numbers() const {
  if (!on_gpu() || numbers_.precision.compute == DType::kF32) {
    return {.precision = numbers_.precision};
  }
  return {.precision = {.compute = DType::kF16, .matrices = DType::kF16}};
}

Numbers Runtime::safer_numbers() const {
  const DType dtype = on_gpu() ? numbers_.precision.compute : DType::kF32;
  return {.precision = {.compute = dtype, .matrices = dtype}};
}

memory::Machine Runtime::machine() const {
  memory::Machine machine = machine_with(gpu_->facts().name);
  // This process has its context already.
  machine.gpu_free_bytes = gpu_->free_bytes() + machine.context_bytes;
  machine.ram_available_bytes =
      available_memory_bytes().value_or(0) / static_cast<uint64_t>(sharers_);
  machine.most_flops_per_call = kernels_.most_flops_per_call;
  return machine;
}

void Runtime::obey(const memory::Plan& plan) {
  if (!on_gpu()) return;
  // The arena's parts are larger-grained than the plan's rows.
  constexpr uint64_t kRounding = uint64_t{1} << 20;
  arena_.reset();
  shared_.reset();
  planned_.reset();
  plan_ = plan;
  planned_ = std::make_unique<PlannedMemory>(gpu_->memory(), plan.arena_bytes + kRounding,
                                             "the GPU memory that was planned");
  memory_ = planned_.get();
  arena_ = std::make_unique<Arena>(memory::tags::kActivations, *memory_);
}

void Runtime::renew_arena(uint64_t size_bytes) {
  arena_.reset();
  arena_ = std::make_unique<Arena>(memory::tags::kActivations, *shared_);
  arena_->reserve(size_bytes);
}

void Runtime::begin_setup(memory::Phase phase) {
  const memory::PhasePlan* planned = plan_ ? plan_->phase(phase) : nullptr;
  if (planned == nullptr) return;
  arena_.reset();
  shared_.reset();
  shared_ = std::make_unique<PlannedMemory>(*planned_, planned->shared_bytes(),
                                            memory::tags::kActivations);
  renew_arena(planned->setup_activation_bytes);
}

void Runtime::begin_passes(memory::Phase phase) {
  const memory::PhasePlan* planned = plan_ ? plan_->phase(phase) : nullptr;
  if (planned != nullptr) renew_arena(planned->layout.bytes);
}

void Runtime::end_phase() {
  if (!plan_) return;
  arena_.reset();
  shared_.reset();
  arena_ = std::make_unique<Arena>(memory::tags::kActivations, *memory_);
}

memory::StreamerOptions Runtime::streamer_options(memory::Phase phase, int blocks) const {
  memory::StreamerOptions options;
  options.after = stream();
  options.reader_threads = std::clamp(usable_cores(), kFewestReaders, kMostReaders);
  const memory::PhasePlan* planned = plan_ ? plan_->phase(phase) : nullptr;
  if (planned == nullptr) {
    options.resident.resize(static_cast<size_t>(blocks));
    std::iota(options.resident.begin(), options.resident.end(), 0);
    return options;
  }
  options.setup_memory = shared_.get();
  options.resident = planned->resident;
  options.window_slots = std::max(1, planned->window_slots);
  options.ring_bytes = plan_->ring_bytes;
  options.read_mode = planned->read_mode;
  return options;
}

int Runtime::decode_strips() const {
  const memory::PhasePlan* planned = plan_ ? plan_->phase(memory::Phase::kDecode) : nullptr;
  return planned == nullptr ? 1 : planned->strips;
}

void Runtime::count(const memory::StreamerStats& stats) {
  streamed_.bytes_read += stats.bytes_read;
  streamed_.bytes_copied += stats.bytes_copied;
  streamed_.stall_seconds += stats.stall_seconds;
  streamed_.restarts += stats.restarts;
}

ops::Context Runtime::context(const Numbers& numbers) {
  return {.kernels = kernels_,
          .arena = *arena_,
          .stop = stop_,
          .compute = numbers.precision.compute,
          .stream = stream(),
          .memory = *memory_,
          .int8_attention = numbers.int8_attention,
          .attention_values = numbers.attention_values,
          .row_chunk = on_gpu() ? memory::kGpuRowChunk : 0};
}

void Runtime::end_block() {
  if (trace_) trace_->set_block(-1);
}

std::string Runtime::own_device_name() const {
  if (!on_gpu()) return "cpu";
  return str_cat("cuda:", gpu_->facts().index, " (", gpu_->facts().name, ')');
}

std::string Runtime::device_name() const {
  std::string names = own_device_name();
  if (!peers_) return names;
  for (const std::string& name : peers_->device_names()) names += ", " + name;
  return names;
}

std::string Runtime::text_kernels() const {
  return str_cat(own_device_name(), ", ", kernels_summary(), ", ", precision_name(text_numbers()));
}

std::string Runtime::kernels_summary() const {
  return on_gpu() ? gpu_->kernels_summary() : cpu::kernels_summary();
}

}  // namespace reel::pipeline
