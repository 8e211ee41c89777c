// SPDX-License-Identifier: Apache-2.0
// What can be said about the machine around the GPU.
#pragma once

#include <reel/doctor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/host_facts.h"
#include "memory/work.h"

namespace reel::pipeline {

// The system, its processor, its memory; `available_bytes` as available_memory_bytes().
std::vector<Finding> findings_on(const HostFacts& host, int cores,
                                 std::optional<uint64_t> available_bytes);
// How fast weights come from the disk.
Finding finding_on_disk(const memory::Rates& rates);
// Which encoder an MP4 file would get, tried.
Finding finding_on_video();

}  // namespace reel::pipeline
