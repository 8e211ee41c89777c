// SPDX-License-Identifier: Apache-2.0
// The copy engine of a machine without a device: "copying" is memcpy, done on return.
#pragma once

#include "core/copy_engine.h"

namespace reel {

class HostCopyEngine : public CopyEngine {
 public:
  std::byte* allocate_pinned(size_t size_bytes, const char* tag) override;
  void free_pinned(std::byte* data) override;
  Stream copy_stream() override { return {}; }
  void copy_to_device(void* to, const void* from, size_t size_bytes) override;
  void copy_to_host(void* to, const void* from, size_t size_bytes, Stream stream) override;
  Event make_event() override;
  void destroy_event(Event event) override;
  void record(Event event, Stream stream) override;
  void wait(Stream, Event) override {}
  bool has_passed(Event) override { return true; }
  void wait_on_host(Event) override {}
  double seconds_between(Event begin, Event end) override;
};

}  // namespace reel
