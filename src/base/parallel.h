// SPDX-License-Identifier: Apache-2.0
// One process-wide pool of compute threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace reel {

// Cores this process may run on: the affinity mask and the CPU quota of the cgroup below `root`,
// rounded up, at least 1.
int usable_cores(const std::filesystem::path& root = "/");

// Sets the number of threads that parallel_for uses, the calling one included. 0 means
// usable_cores(). Not to be called while a parallel_for runs.
void set_compute_threads(int threads);
int compute_threads();

// Calls body(begin, end) on disjoint ranges that cover [0, count), each of at least
// `grain` elements (the last may be shorter), on up to compute_threads() threads; returns when
// all are done. The first exception of a body is rethrown here. Nested calls run inline.
// Waiting threads sleep after some tens of microseconds.
void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

}  // namespace reel
