// SPDX-License-Identifier: Apache-2.0
// A device made of threads, for tests of what copies to one: every stream is a thread that runs its
// work late and in order, a copy poisons its destination before it arrives, and every access is
// checked against the order that events promise, so that a missing wait is found even when the
// threads happen to be lucky.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/copy_engine.h"

namespace reel::test {

class FakeCopyEngine : public CopyEngine {
 public:
  struct Faults {
    uint64_t seed = 1;
    // Every piece of work starts after a random delay of at most this.
    std::chrono::microseconds most_delay{0};
    // The device is lost when this copy (counted from 0) runs, or is submitted.
    int64_t lost_at_copy = -1;
    int64_t lost_at_submit = -1;
    bool has_no_pinned_memory = false;
  };

  FakeCopyEngine() : FakeCopyEngine(Faults{}) {}
  explicit FakeCopyEngine(const Faults& faults);
  ~FakeCopyEngine() override;

  std::byte* allocate_pinned(size_t size_bytes, const char* tag) override;
  void free_pinned(std::byte* data) override;
  Stream copy_stream() override;
  void copy_to_device(void* to, const void* from, size_t size_bytes) override;
  void copy_to_host(void* to, const void* from, size_t size_bytes, Stream stream) override;
  Event make_event() override;
  void destroy_event(Event event) override;
  void record(Event event, Stream stream) override;
  void wait(Stream stream, Event event) override;
  bool has_passed(Event event) override;
  void wait_on_host(Event event) override;
  double seconds_between(Event begin, Event end) override;

  // At most 7 beside the copy stream.
  Stream make_stream();
  // Puts `work` on a stream of any engine; without a stream it runs at once.
  static void submit(Stream stream, std::function<void()> work);
  // Returns when all that was submitted to the stream has run.
  void finish(Stream stream);

  // To be called before work is submitted to `stream` of any engine, or done by the host, that
  // reads or writes these bytes. Breaking a rule is remembered, not thrown.
  static void will_read(Stream stream, const void* data, size_t size_bytes);
  static void will_write(Stream stream, const void* data, size_t size_bytes);
  void host_writes(const void* data, size_t size_bytes);

  // One sentence for each rule that was broken.
  std::vector<std::string> broken_rules() const;
  int64_t copies() const;
  // Of events and pinned memory: how many are not given back.
  int64_t live() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reel::test
