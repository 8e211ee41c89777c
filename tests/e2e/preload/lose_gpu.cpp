// SPDX-License-Identifier: Apache-2.0
// Preloaded (LD_PRELOAD), it loses the GPU of a program that knows nothing of it: a kernel of its
// own traps in the program's context, and from then on every call there fails, as after a fault of
// the GPU itself. Other programs and the GPU are not touched.
//
//   REEL_LOSE_GPU_WHEN   a file; the kernel is started once it exists. The file's name with ".done"
//                        is made as soon as it has trapped; ".failed" where it could not be started
#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

constexpr std::chrono::milliseconds kBetweenLooks{2};
constexpr const char* kTrap =
    ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry lose() { trap; }\n";

// The calls of the driver that are needed. Source: cuda.h of the CUDA toolkit.
class Driver {
 public:
  // True when a kernel has trapped.
  bool trap() const {
    if (library_ == nullptr) return false;
    int device = 0;
    void *context = nullptr, *module = nullptr, *kernel = nullptr;
    const auto get_device = call<int(int*, int)>("cuDeviceGet");
    const auto retain = call<int(void**, int)>("cuDevicePrimaryCtxRetain");
    const auto set_current = call<int(void*)>("cuCtxSetCurrent");
    const auto load = call<int(void**, const void*)>("cuModuleLoadData");
    const auto get_kernel = call<int(void**, void*, const char*)>("cuModuleGetFunction");
    const auto launch = call<int(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                                 unsigned, void*, void**, void**)>("cuLaunchKernel");
    const auto synchronise = call<int()>("cuCtxSynchronize");
    const bool is_launched = get_device(&device, 0) == 0 && retain(&context, device) == 0 &&
                             set_current(context) == 0 && load(&module, kTrap) == 0 &&
                             get_kernel(&kernel, module, "lose") == 0 &&
                             launch(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr) == 0;
    return is_launched && synchronise() != 0;
  }

 private:
  template <typename Signature>
  Signature* call(const char* name) const {
    return reinterpret_cast<Signature*>(::dlsym(library_, name));
  }

  void* const library_ = ::dlopen("libcuda.so.1", RTLD_NOW);
};

void make_file(const std::string& path) {
  if (std::FILE* const file = std::fopen(path.c_str(), "w")) std::fclose(file);
}

__attribute__((constructor)) void start() {
  const char* const when = std::getenv("REEL_LOSE_GPU_WHEN");
  if (when == nullptr) return;
  std::thread([path = std::string(when)] {
    while (::access(path.c_str(), F_OK) != 0) std::this_thread::sleep_for(kBetweenLooks);
    make_file(path + (Driver().trap() ? ".done" : ".failed"));
  }).detach();
}

}  // namespace
