// SPDX-License-Identifier: Apache-2.0
// A library that answers as NVML does, for nvml_test.cpp. What it says is set by variables of the
// environment, since the test and it share nothing else.
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace {

unsigned long long setting(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

struct Memory {
  unsigned long long total, free, used;
};
struct ProcessInfo {
  unsigned pid;
  unsigned long long used;
  unsigned instances[2];
};

constexpr int kNotFound = 6;
constexpr int kInsufficientSize = 7;
int started = 0;

}  // namespace

extern "C" {

int nvmlInit_v2() {
  ++started;
  return static_cast<int>(setting("FAKE_NVML_INIT"));
}
int nvmlShutdown() {
  --started;
  return 0;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device) {
  *device = &started;
  return std::strcmp(id, "0000:65:00.0") == 0 ? 0 : kNotFound;
}
int nvmlDeviceGetMemoryInfo(void* device, Memory* memory) {
  if (device != &started || started != 1) return 1;
  *memory = {.total = 1000, .free = 700, .used = 300};
  return 0;
}
// Others first, then this process unless it is hidden.
int nvmlDeviceGetComputeRunningProcesses_v3(void*, unsigned* count, ProcessInfo* list) {
  const auto others = static_cast<unsigned>(setting("FAKE_NVML_OTHERS"));
  const unsigned found = others + (setting("FAKE_NVML_HIDES_US") != 0 ? 0 : 1);
  if (*count < found) {
    *count = found;
    return kInsufficientSize;
  }
  *count = found;
  for (unsigned at = 0; at < others; ++at) list[at] = {.pid = 1, .used = 5, .instances = {}};
  if (found > others) {
    list[others] = {
        .pid = static_cast<unsigned>(getpid()), .used = setting("FAKE_NVML_OURS"), .instances = {}};
  }
  return 0;
}

// A card at rest in a narrower slot than it could have, limited below its default.
int nvmlDeviceGetCurrPcieLinkGeneration(void*, unsigned* value) {
  *value = 1;
  return 0;
}
int nvmlDeviceGetCurrPcieLinkWidth(void*, unsigned* value) {
  *value = 4;
  return 0;
}
int nvmlDeviceGetMaxPcieLinkGeneration(void*, unsigned* value) {
  *value = 4;
  return 0;
}
int nvmlDeviceGetMaxPcieLinkWidth(void*, unsigned* value) {
  *value = 16;
  return 0;
}
int nvmlDeviceGetPowerUsage(void*, unsigned* value) {
  *value = 55500;
  return 0;
}
int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned* value) {
  *value = 150000;
  return static_cast<int>(setting("FAKE_NVML_NO_POWER"));
}
int nvmlDeviceGetPowerManagementDefaultLimit(void*, unsigned* value) {
  *value = 200000;
  return 0;
}
int nvmlDeviceGetClockInfo(void*, int which, unsigned* value) {
  *value = which == 1 ? 210 : 405;
  return 0;
}
int nvmlDeviceGetMaxClockInfo(void*, int, unsigned* value) {
  *value = 3105;
  return 0;
}
int nvmlSystemGetDriverVersion(char* text, unsigned size) {
  std::strncpy(text, "550.54.15", size);
  return 0;
}
}
