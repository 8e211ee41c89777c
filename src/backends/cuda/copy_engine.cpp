// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/copy_engine.h"

#include <utility>

#include "backends/cuda/cuda_check.h"
#include "backends/cuda/stream_handle.h"
#include "base/byte_units.h"
#include "base/error.h"

namespace reel::cuda {
CudaCopyEngine::CudaCopyEngine(int index) : index_(index) {
  enter();
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  stream_.handle = stream;
}

CudaCopyEngine::~CudaCopyEngine() {
  if (kept_.data != nullptr) cudaFreeHost(kept_.data);
  cudaStreamDestroy(handle_of(stream_));
}

void CudaCopyEngine::enter() const { check(cudaSetDevice(index_), "choosing the GPU"); }

std::byte* CudaCopyEngine::take_kept(size_t size_bytes) {
  if (kept_.size_bytes < size_bytes) {
    // It may be what is missing.
    if (kept_.data != nullptr) cudaFreeHost(kept_.data);
    kept_ = {};
    return nullptr;
  }
  if (kept_.size_bytes / 2 > size_bytes) return nullptr;
  sizes_[kept_.data] = kept_.size_bytes;
  return std::exchange(kept_, {}).data;
}

std::byte* CudaCopyEngine::allocate_pinned(size_t size_bytes, const char* tag) {
  enter();
  const std::lock_guard lock(mutex_);
  if (std::byte* const kept = take_kept(size_bytes)) return kept;
  void* data = nullptr;
  const cudaError_t status = cudaHostAlloc(&data, size_bytes, cudaHostAllocPortable);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    fail(ErrorCode::kOutOfMemory,
         str_cat("The system has no ", format_bytes(size_bytes), " of pinned memory left for ", tag,
                 '.'),
         "Give a smaller --ram, or close other programs.");
  }
  check(status, "allocating pinned memory");
  sizes_[static_cast<std::byte*>(data)] = size_bytes;
  return static_cast<std::byte*>(data);
}

void CudaCopyEngine::free_pinned(std::byte* data) {
  if (data == nullptr) return;
  cudaStreamSynchronize(handle_of(stream_));  // copies out of it may be under way
  const std::lock_guard lock(mutex_);
  const auto found = sizes_.find(data);
  Pinned freed{.data = data, .size_bytes = found->second};
  sizes_.erase(found);
  if (freed.size_bytes > kept_.size_bytes) std::swap(freed, kept_);
  if (freed.data != nullptr) cudaFreeHost(freed.data);
}

void CudaCopyEngine::copy_to_device(void* to, const void* from, size_t size_bytes) {
  enter();
  check(cudaMemcpyAsync(to, from, size_bytes, cudaMemcpyHostToDevice, handle_of(stream_)),
        "copying weights to the GPU");
}

void CudaCopyEngine::copy_to_host(void* to, const void* from, size_t size_bytes, Stream stream) {
  enter();
  check(cudaMemcpyAsync(to, from, size_bytes, cudaMemcpyDeviceToHost, handle_of(stream)),
        "copying from the GPU");
}

Event CudaCopyEngine::make_event() {
  enter();
  cudaEvent_t event = nullptr;
  check(cudaEventCreate(&event), "making an event");
  return {event};
}

void CudaCopyEngine::destroy_event(Event event) {
  if (event.handle != nullptr) cudaEventDestroy(handle_of(event));
}

void CudaCopyEngine::record(Event event, Stream stream) {
  enter();
  check(cudaEventRecord(handle_of(event), handle_of(stream)), "recording an event");
}

void CudaCopyEngine::wait(Stream stream, Event event) {
  enter();
  check(cudaStreamWaitEvent(handle_of(stream), handle_of(event), 0), "waiting for an event");
}

bool CudaCopyEngine::has_passed(Event event) {
  enter();
  const cudaError_t status = cudaEventQuery(handle_of(event));
  if (status == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  check(status, "asking for an event");
  return true;
}

void CudaCopyEngine::wait_on_host(Event event) {
  enter();
  check(cudaEventSynchronize(handle_of(event)), "waiting for the GPU");
}

double CudaCopyEngine::seconds_between(Event begin, Event end) {
  enter();
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, handle_of(begin), handle_of(end)), "timing the GPU");
  return milliseconds * 1e-3;
}

}  // namespace reel::cuda
