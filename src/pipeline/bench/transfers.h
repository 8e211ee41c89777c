// SPDX-License-Identifier: Apache-2.0
// How fast weights get from disk to host memory and from there to a GPU.
#pragma once

#include <filesystem>
#include <optional>

#include "core/copy_engine.h"
#include "core/memory_space.h"

namespace reel::pipeline {

// Bytes a second of copies from pinned memory.
double upload_rate(CopyEngine& engine, MemorySpace& device);

struct ReadRates {
  double cache_bytes = 0, disk_bytes = 0;  // per second
};

// Of reads by several threads. `file` is read as far as a GiB; without one, a file of random bytes
// is made in `folder` for this purpose and removed again. Throws kIo.
ReadRates read_rates(const std::optional<std::filesystem::path>& file,
                     const std::filesystem::path& folder);

}  // namespace reel::pipeline
