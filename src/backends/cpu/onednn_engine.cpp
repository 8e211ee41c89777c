// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/onednn_engine.h"

#include <omp.h>

#include <string>

#include "backends/cpu/onednn_kernels.h"
#include "base/parallel.h"
#include "core/buffer.h"

namespace reel::cpu {
namespace onednn {

dnnl::engine& engine() {
  static dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

dnnl::stream& stream() {
  static dnnl::stream instance(engine());
  // oneDNN computes on OpenMP threads; they obey --threads like ours.
  omp_set_num_threads(compute_threads());
  return instance;
}

float* scratch_floats(int slot, int64_t elements) {
  static std::array<Buffer, 4> buffers;
  Buffer& buffer = buffers[static_cast<size_t>(slot)];
  const auto bytes = static_cast<size_t>(elements) * sizeof(float);
  if (buffer.size_bytes() < bytes) {
    buffer = Buffer();
    buffer = Buffer(bytes, "the CPU kernels' scratch");
  }
  return reinterpret_cast<float*>(buffer.data());
}

}  // namespace onednn

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return "oneDNN " + std::to_string(version->major) + '.' + std::to_string(version->minor) + '.' +
         std::to_string(version->patch);
}

}  // namespace reel::cpu
