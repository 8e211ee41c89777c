// SPDX-License-Identifier: Apache-2.0
// Signatures, structs and codes: the public NVML API reference, "Device Queries" and "Structs".
#include "backends/cuda/nvml.h"

#include <dlfcn.h>
#include <unistd.h>

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
  // Since driver 510; null with an older one.
  Result (*processes)(Device, unsigned*, ProcessInfo*) = nullptr;
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
  opened->find("nvmlDeviceGetComputeRunningProcesses_v3", opened->processes);
  return std::unique_ptr<Nvml>(new Nvml(std::move(opened)));
}

std::optional<Nvml::Card> Nvml::card() const {
  Memory memory{};
  if (library_->memory_info(library_->device, &memory) != kSuccess) return std::nullopt;
  return Card{.free_bytes = memory.free, .used_bytes = memory.used};
}

std::optional<uint64_t> Nvml::process_bytes() const {
  if (library_->processes == nullptr) return std::nullopt;
  std::vector<ProcessInfo> list(kSpareEntries);
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    auto count = static_cast<unsigned>(list.size());
    const Result result = library_->processes(library_->device, &count, list.data());
    if (result == kInsufficientSize) {
      list.resize(count + kSpareEntries);
      continue;
    }
    if (result != kSuccess) return std::nullopt;
    for (unsigned at = 0; at < count; ++at) {
      if (list[at].pid != static_cast<unsigned>(getpid())) continue;
      if (list[at].used_gpu_memory == kNotAvailable) return std::nullopt;
      return list[at].used_gpu_memory;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace reel::cuda
