// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace reel {
namespace {

thread_local bool inside_parallel_for = false;

// cgroup v2 "quota period" in microseconds; 0 when there is no limit to be read.
int cgroup_cores(const std::filesystem::path& root) {
  std::ifstream file(root / "sys/fs/cgroup/cpu.max");
  int64_t quota = 0;
  int64_t period = 0;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0) return 0;
  const int64_t cores = quota / period + (quota % period == 0 ? 0 : 1);
  return static_cast<int>(std::min<int64_t>(cores, std::numeric_limits<int>::max()));
}

inline void pause_core() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits for `is_over`, at most some tens of microseconds: waking a thread that sleeps takes as long
// as a small product. Whoever else wants the core gets it meanwhile.
template <typename Condition>
void spin_until(Condition is_over) {
  constexpr auto kLongest = std::chrono::microseconds(50);
  constexpr int kPauses = 16;
  const auto end = std::chrono::steady_clock::now() + kLongest;
  do {
    for (int at = 0; at < kPauses; ++at) {
      if (is_over()) return;
      pause_core();
    }
    sched_yield();
  } while (std::chrono::steady_clock::now() < end);
}

class Pool {
 public:
  // More threads than cores do not spin.
  explicit Pool(int threads) : spins_(threads <= usable_cores()) {
    for (int index = 1; index < threads; ++index) {
      workers_.emplace_back([this] { work(); });
    }
  }
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  void run(int64_t chunks, const std::function<void(int64_t)>& chunk) {
    {
      const std::lock_guard lock(mutex_);
      chunk_ = &chunk;
      chunks_ = chunks;
      next_ = 0;
      running_ = 0;
      error_ = nullptr;
      ++generation_;
    }
    wake_.notify_all();
    take_chunks();
    if (spins_) spin_until([this] { return finished_ == generation_; });
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return finished_ == generation_; });
    chunk_ = nullptr;
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void take_chunks() {
    std::unique_lock lock(mutex_);
    while (chunk_ != nullptr && next_ < chunks_) {
      const int64_t mine = next_++;
      ++running_;
      lock.unlock();
      std::exception_ptr error;
      inside_parallel_for = true;
      try {
        (*chunk_)(mine);
      } catch (...) {
        error = std::current_exception();
      }
      inside_parallel_for = false;
      lock.lock();
      --running_;
      if (error && !error_) {
        error_ = error;
        next_ = chunks_;
      }
    }
    if (running_ > 0 || next_ < chunks_) return;
    finished_ = generation_.load();
    lock.unlock();
    done_.notify_all();
  }

  void work() {
    uint64_t seen = 0;
    while (true) {
      if (spins_) spin_until([&] { return closing_ || generation_ != seen; });
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return closing_ || generation_ != seen; });
        if (closing_) return;
        seen = generation_;
      }
      take_chunks();
    }
  }

  const bool spins_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;  // what is atomic is written under it too
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(int64_t)>* chunk_ = nullptr;
  int64_t chunks_ = 0;
  int64_t next_ = 0;
  int64_t running_ = 0;
  std::atomic<uint64_t> generation_ = 0;
  std::atomic<uint64_t> finished_ = 0;  // the last generation whose chunks are all done
  std::atomic<bool> closing_ = false;
  std::exception_ptr error_;
};

std::unique_ptr<Pool>& pool() {
  static std::unique_ptr<Pool> instance = std::make_unique<Pool>(usable_cores());
  return instance;
}

// Two callers of parallel_for take turns.
std::mutex& pool_turn() {
  static std::mutex instance;
  return instance;
}

}  // namespace

int usable_cores(const std::filesystem::path& root) {
  cpu_set_t set;
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  const int quota = cgroup_cores(root);
  if (quota > 0) cores = std::min(cores, quota);
  return std::max(cores, 1);
}

void set_compute_threads(int threads) {
  const std::lock_guard turn(pool_turn());
  const int wanted = threads > 0 ? threads : usable_cores();
  if (pool()->threads() != wanted) pool() = std::make_unique<Pool>(wanted);
}

int compute_threads() { return pool()->threads(); }

void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (count <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  if (inside_parallel_for || count <= grain || pool()->threads() == 1) {
    body(0, count);
    return;
  }
  const std::lock_guard turn(pool_turn());
  // A few chunks per thread even out uneven work without many wake-ups.
  const int64_t most = int64_t{pool()->threads()} * 4;
  const int64_t size = std::max(grain, (count + most - 1) / most);
  const int64_t chunks = (count + size - 1) / size;
  pool()->run(chunks,
              [&](int64_t chunk) { body(chunk * size, std::min(count, (chunk + 1) * size)); });
}

}  // namespace reel
