// SPDX-License-Identifier: Apache-2.0
// Copies between host and device that run beside the computation. The contract between memory/ and
// a device: CUDA implements it, tests with a fake that delays and fails on purpose.
#pragma once

#include <cstddef>
#include <utility>

#include "core/tensor.h"

namespace reel {

// A place in a stream's work. Recorded again and again; until its first record it counts as passed.
struct Event {
  void* handle = nullptr;
};

// Every call may come from any thread, and throws kDeviceFailure once the device is lost.
class CopyEngine {
 public:
  virtual ~CopyEngine() = default;

  // Host memory that the device reads by itself, aligned to a page (4096 bytes). Throws
  // kOutOfMemory naming the size and the tag.
  virtual std::byte* allocate_pinned(size_t size_bytes, const char* tag) = 0;
  virtual void free_pinned(std::byte* data) = 0;

  // Where copies run, in the order they are submitted. Kernels may be put between them.
  virtual Stream copy_stream() = 0;
  // Onto copy_stream(), without waiting. `from` is pinned and must not change, nor `to` be used,
  // before an event recorded after this call has passed.
  virtual void copy_to_device(void* to, const void* from, size_t size_bytes) = 0;

  // Onto `stream`, without waiting. `to` is pinned and must not be used before an event recorded
  // after this call has passed.
  virtual void copy_to_host(void* to, const void* from, size_t size_bytes, Stream stream) = 0;

  virtual Event make_event() = 0;
  virtual void destroy_event(Event event) = 0;
  // The event now stands behind all that was submitted to `stream` so far.
  virtual void record(Event event, Stream stream) = 0;
  // What is submitted to `stream` from now on runs after what the event stood behind at this call.
  // The host does not wait.
  virtual void wait(Stream stream, Event event) = 0;
  // Whether all that the event stands behind has run.
  virtual bool has_passed(Event event) = 0;
  virtual void wait_on_host(Event event) = 0;
  // From one event to the other, both passed, on the device's clock.
  virtual double seconds_between(Event begin, Event end) = 0;
};

// An event with one owner. Move-only.
class OwnedEvent {
 public:
  OwnedEvent() = default;
  // `engine` must outlive this object.
  explicit OwnedEvent(CopyEngine& engine) : engine_(&engine), event_(engine.make_event()) {}
  ~OwnedEvent() {
    if (engine_ != nullptr) engine_->destroy_event(event_);
  }
  OwnedEvent(OwnedEvent&& other) noexcept
      : engine_(std::exchange(other.engine_, nullptr)), event_(other.event_) {}
  OwnedEvent& operator=(OwnedEvent&& other) noexcept {
    std::swap(engine_, other.engine_);
    std::swap(event_, other.event_);
    return *this;
  }

  operator Event() const { return event_; }  // NOLINT: an owned event is usable as an event

 private:
  CopyEngine* engine_ = nullptr;
  Event event_;
};

// Pinned memory with one owner.
class PinnedBuffer {
 public:
  // `engine` must outlive this object.
  PinnedBuffer(CopyEngine& engine, size_t size_bytes, const char* tag)
      : engine_(engine), data_(engine.allocate_pinned(size_bytes, tag)) {}
  ~PinnedBuffer() { engine_.free_pinned(data_); }
  PinnedBuffer(const PinnedBuffer&) = delete;
  PinnedBuffer& operator=(const PinnedBuffer&) = delete;

  std::byte* data() const { return data_; }

 private:
  CopyEngine& engine_;
  std::byte* data_;
};

}  // namespace reel
