// SPDX-License-Identifier: Apache-2.0
// Copies to a GPU on a stream of their own.
#pragma once

#include <mutex>
#include <unordered_map>

#include "core/copy_engine.h"

namespace reel::cuda {

class CudaCopyEngine : public CopyEngine {
 public:
  // Of the device `index`; any thread may call it.
  explicit CudaCopyEngine(int index);
  ~CudaCopyEngine() override;
  CudaCopyEngine(const CudaCopyEngine&) = delete;
  CudaCopyEngine& operator=(const CudaCopyEngine&) = delete;

  std::byte* allocate_pinned(size_t size_bytes, const char* tag) override;
  void free_pinned(std::byte* data) override;
  Stream copy_stream() override { return stream_; }
  void copy_to_device(void* to, const void* from, size_t size_bytes) override;
  void copy_to_host(void* to, const void* from, size_t size_bytes, Stream stream) override;
  Event make_event() override;
  void destroy_event(Event event) override;
  void record(Event event, Stream stream) override;
  void wait(Stream stream, Event event) override;
  bool has_passed(Event event) override;
  void wait_on_host(Event event) override;
  double seconds_between(Event begin, Event end) override;

 private:
  // Threads start on device 0.
  void enter() const;

  struct Pinned {
    std::byte* data = nullptr;
    size_t size_bytes = 0;
  };
  // What was given back, if it serves for `size_bytes` and is not much more.
  std::byte* take_kept(size_t size_bytes);

  int index_;
  Stream stream_;
  std::mutex mutex_;  // of what follows
  std::unordered_map<std::byte*, size_t> sizes_;
  // Pinning takes longer than reading files into what was pinned: the largest piece given back
  // stays for the next stage's ring.
  Pinned kept_;
};

}  // namespace reel::cuda
