// SPDX-License-Identifier: Apache-2.0
// Signatures, structs and codes: the public NVML API reference, "Device Queries" and "Structs".
#include "backends/cuda/nvml.h"

#include <dlfcn.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

namespace reel::cuda {
namespace {

using Device = void*;
using Result = int;
constexpr Result kSuccess = 0;
constexpr Result kInsufficientSize = 7;
constexpr unsigned long long kNotAvailable = ~0ULL;
// A list that grows while it is asked for is asked for again.
constexpr int kMostTries = 4;
constexpr unsigned kSpareEntries = 8;

struct Memory {
  unsigned long long total, free, used;
};

struct ProcessInfo {
  unsigned pid;
  unsigned long long used_gpu_memory;
  unsigned gpu_instance_id, compute_instance_id;
};

using AskNumber = Result (*)(Device, unsigned*);
using AskClock = Result (*)(Device, int, unsigned*);
using AskProcesses = Result (*)(Device, unsigned*, ProcessInfo*);
constexpr int kSmClock = 1;
constexpr int kMemoryClock = 2;
constexpr double kMilliwatts = 1e-3;

// Each program of the list; nothing where there is no list.
std::optional<std::vector<ProcessInfo>> list_processes(AskProcesses ask, Device device) {
  if (ask == nullptr) return std::nullopt;
  std::vector<ProcessInfo> list(kSpareEntries);
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    auto count = static_cast<unsigned>(list.size());
    const Result result = ask(device, &count, list.data());
    if (result != kSuccess && result != kInsufficientSize) return std::nullopt;
    list.resize(result == kSuccess ? count : count + kSpareEntries);
    if (result == kSuccess) return list;
  }
  return std::nullopt;
}

}  // namespace

struct Nvml::Library {
  explicit Library(void* opened) : handle(opened) {}
  ~Library() {
    if (is_started) shut_down();
    dlclose(handle);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  template <typename Function>
  bool find(const char* name, Function*& function) const {
    function = reinterpret_cast<Function*>(dlsym(handle, name));
    return function != nullptr;
  }
  bool find_all() {
    return find("nvmlInit_v2", init) && find("nvmlShutdown", shut_down) &&
           find("nvmlDeviceGetHandleByPciBusId_v2", by_bus_id) &&
           find("nvmlDeviceGetMemoryInfo", memory_info);
  }

  void* handle;
  bool is_started = false;
  Device device = nullptr;
  Result (*init)() = nullptr;
  Result (*shut_down)() = nullptr;
  Result (*by_bus_id)(const char*, Device*) = nullptr;
  Result (*memory_info)(Device, Memory*) = nullptr;
  // What follows may be null: older drivers lack some of it.
  AskProcesses computing = nullptr, drawing = nullptr;  // since driver 510
  AskNumber link_generation = nullptr, link_width = nullptr;
  AskNumber most_link_generation = nullptr, most_link_width = nullptr;
  AskNumber power_draw = nullptr, power_limit = nullptr, default_power_limit = nullptr;
  AskClock clock = nullptr, most_clock = nullptr;
  Result (*driver_version)(char*, unsigned) = nullptr;

  void find_more() {
    find("nvmlDeviceGetComputeRunningProcesses_v3", computing);
    find("nvmlDeviceGetGraphicsRunningProcesses_v3", drawing);
    find("nvmlDeviceGetCurrPcieLinkGeneration", link_generation);
    find("nvmlDeviceGetCurrPcieLinkWidth", link_width);
    find("nvmlDeviceGetMaxPcieLinkGeneration", most_link_generation);
    find("nvmlDeviceGetMaxPcieLinkWidth", most_link_width);
    find("nvmlDeviceGetPowerUsage", power_draw);
    find("nvmlDeviceGetEnforcedPowerLimit", power_limit);
    find("nvmlDeviceGetPowerManagementDefaultLimit", default_power_limit);
    find("nvmlDeviceGetClockInfo", clock);
    find("nvmlDeviceGetMaxClockInfo", most_clock);
    find("nvmlSystemGetDriverVersion", driver_version);
  }

  // 0 where the driver does not tell.
  unsigned number(AskNumber ask) const {
    unsigned value = 0;
    return ask != nullptr && ask(device, &value) == kSuccess ? value : 0;
  }
  int clock_mhz(AskClock ask, int which) const {
    unsigned value = 0;
    return ask != nullptr && ask(device, which, &value) == kSuccess ? static_cast<int>(value) : 0;
  }
};

Nvml::Nvml(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Nvml::~Nvml() = default;

std::unique_ptr<Nvml> Nvml::open(const std::string& pci_bus_id, const char* library) {
  void* const handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) return nullptr;
  auto opened = std::make_unique<Library>(handle);
  if (!opened->find_all() || opened->init() != kSuccess) return nullptr;
  opened->is_started = true;
  if (opened->by_bus_id(pci_bus_id.c_str(), &opened->device) != kSuccess) return nullptr;
  opened->find_more();
  return std::unique_ptr<Nvml>(new Nvml(std::move(opened)));
}

std::optional<Nvml::Card> Nvml::card() const {
  Memory memory{};
  if (library_->memory_info(library_->device, &memory) != kSuccess) return std::nullopt;
  return Card{.free_bytes = memory.free, .used_bytes = memory.used};
}

std::optional<Nvml::Link> Nvml::link() const {
  const Library& lib = *library_;
  const Link link{.generation = static_cast<int>(lib.number(lib.link_generation)),
                  .width = static_cast<int>(lib.number(lib.link_width)),
                  .most_generation = static_cast<int>(lib.number(lib.most_link_generation)),
                  .most_width = static_cast<int>(lib.number(lib.most_link_width))};
  if (link.generation == 0 || link.width == 0) return std::nullopt;
  return link;
}

std::optional<Nvml::Power> Nvml::power() const {
  const Library& lib = *library_;
  const Power power{.draw_w = kMilliwatts * lib.number(lib.power_draw),
                    .limit_w = kMilliwatts * lib.number(lib.power_limit),
                    .default_limit_w = kMilliwatts * lib.number(lib.default_power_limit)};
  if (power.limit_w == 0) return std::nullopt;
  return power;
}

std::optional<Nvml::Clocks> Nvml::clocks() const {
  const Library& lib = *library_;
  const Clocks clocks{.sm_mhz = lib.clock_mhz(lib.clock, kSmClock),
                      .most_sm_mhz = lib.clock_mhz(lib.most_clock, kSmClock),
                      .memory_mhz = lib.clock_mhz(lib.clock, kMemoryClock)};
  if (clocks.sm_mhz == 0) return std::nullopt;
  return clocks;
}

std::string Nvml::driver_release() const {
  char text[96] = {};
  if (library_->driver_version == nullptr ||
      library_->driver_version(text, sizeof text - 1) != kSuccess) {
    return {};
  }
  return text;
}

Nvml::Others Nvml::others() const {
  Others others;
  for (const AskProcesses ask : {library_->computing, library_->drawing}) {
    const auto list = list_processes(ask, library_->device);
    if (!list) continue;
    for (const ProcessInfo& one : *list) {
      if (one.pid == static_cast<unsigned>(getpid())) continue;
      ++others.programs;
      if (one.used_gpu_memory != kNotAvailable) others.bytes += one.used_gpu_memory;
    }
  }
  return others;
}

std::optional<uint64_t> Nvml::process_bytes() const {
  const auto list = list_processes(library_->computing, library_->device);
  if (!list) return std::nullopt;
  for (const ProcessInfo& one : *list) {
    if (one.pid != static_cast<unsigned>(getpid())) continue;
    if (one.used_gpu_memory == kNotAvailable) return std::nullopt;
    return one.used_gpu_memory;
  }
  return std::nullopt;
}

}  // namespace reel::cuda
