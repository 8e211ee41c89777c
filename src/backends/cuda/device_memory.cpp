// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/device_memory.h"

#include "backends/cuda/cuda_check.h"
#include "backends/cuda/stream_handle.h"
#include "base/byte_units.h"
#include "base/error.h"

namespace reel::cuda {
std::byte* DeviceMemory::allocate(size_t size_bytes, const char* tag) {
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, size_bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    size_t free_bytes = 0;
    size_t total_bytes = 0;
    cudaMemGetInfo(&free_bytes, &total_bytes);
    fail(ErrorCode::kOutOfMemory,
         str_cat("The GPU has no ", format_bytes(size_bytes), " left for ", tag, ": ",
                 format_bytes(free_bytes), " of ", format_bytes(total_bytes), " are free."),
         "Close other programs that use the GPU, or give a smaller --vram.");
  }
  check(status, "allocating GPU memory");
  return static_cast<std::byte*>(data);
}

// Also runs while an exception flies: a lost device is no news by then.
void DeviceMemory::free(std::byte* data) { cudaFree(data); }

void DeviceMemory::upload(void* to, const void* from, size_t size_bytes, Stream stream) {
  check(cudaMemcpyAsync(to, from, size_bytes, cudaMemcpyHostToDevice, handle_of(stream)),
        "copying to the GPU");
  // The driver reads pageable memory before it returns, pinned memory later.
  cudaPointerAttributes where{};
  if (cudaPointerGetAttributes(&where, from) == cudaSuccess && where.type == cudaMemoryTypeHost) {
    check(cudaStreamSynchronize(handle_of(stream)), "copying to the GPU");
  }
}

void DeviceMemory::download(void* to, const void* from, size_t size_bytes, Stream stream) {
  check(cudaMemcpyAsync(to, from, size_bytes, cudaMemcpyDeviceToHost, handle_of(stream)),
        "copying from the GPU");
  check(cudaStreamSynchronize(handle_of(stream)), "waiting for the GPU");
}

void DeviceMemory::copy(void* to, const void* from, size_t size_bytes, Stream stream) {
  check(cudaMemcpyAsync(to, from, size_bytes, cudaMemcpyDeviceToDevice, handle_of(stream)),
        "copying on the GPU");
}

void DeviceMemory::copy_rows(void* to, size_t to_stride, const void* from, size_t from_stride,
                             size_t row_bytes, size_t rows, Stream stream) {
  check(cudaMemcpy2DAsync(to, to_stride, from, from_stride, row_bytes, rows,
                          cudaMemcpyDeviceToDevice, handle_of(stream)),
        "copying rows on the GPU");
}

void DeviceMemory::zero(void* to, size_t size_bytes, Stream stream) {
  check(cudaMemsetAsync(to, 0, size_bytes, handle_of(stream)), "clearing GPU memory");
}

void DeviceMemory::wait(Stream stream) {
  check(cudaStreamSynchronize(handle_of(stream)), "waiting for the GPU");
}

}  // namespace reel::cuda
