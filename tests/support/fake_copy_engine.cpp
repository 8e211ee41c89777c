// SPDX-License-Identifier: Apache-2.0
#include "support/fake_copy_engine.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/hash.h"

namespace reel::test {
namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr size_t kMostStreams = 8;
constexpr int kHost = -1;

// How much of every stream's work has run before something: entry s counts the work of stream s.
using Clock = std::array<uint64_t, kMostStreams>;

void join(Clock& clock, const Clock& other) {
  for (size_t at = 0; at < kMostStreams; ++at) clock[at] = std::max(clock[at], other[at]);
}

struct EventState {
  uint64_t records = 0;  // submitted
  uint64_t passed = 0;   // of these
  Clock clock{};         // at the last record
  Time time;
};

// A range of memory and the last work that touched it.
struct Access {
  const std::byte* begin;
  const std::byte* end;
  int stream;
  uint64_t at;  // the stream's count
  bool is_write;
};

}  // namespace

class FakeCopyEngine::Impl {
 public:
  explicit Impl(const Faults& faults) : faults_(faults) { add_stream(); }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
    }
    changed_.notify_all();
    for (const auto& queue : queues_) queue->thread.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  struct Queue {
    Impl* engine;
    size_t index;
    std::mt19937_64 random;
    std::deque<std::function<void(std::unique_lock<std::mutex>&)>> work;
    Clock clock{};
    std::thread thread;
  };

  Queue* add_stream() {
    const std::lock_guard lock(mutex_);
    REEL_REQUIRE(queues_.size() < kMostStreams, kInternal, "too many streams for the fake");
    Queue* const queue = queues_.emplace_back(std::make_unique<Queue>()).get();
    queue->engine = this;
    queue->index = queues_.size() - 1;
    queue->random.seed(faults_.seed + queue->index);
    queue->thread = std::thread([this, queue] { run(*queue); });
    return queue;
  }

  static Queue& queue_of(Stream stream) { return *static_cast<Queue*>(stream.handle); }
  std::shared_ptr<EventState> state_of(Event event) { return events_.at(event.handle); }

  void require_device() const {
    REEL_REQUIRE(!is_lost_, kDeviceFailure, "The fake device was lost, as the test asked.");
  }

  // The same, once nothing touches the device's memory any more.
  void require_quiet_device(std::unique_lock<std::mutex>& lock) {
    if (is_lost_) changed_.wait(lock, [&] { return running_ == 0; });
    require_device();
  }

  // Later work of the stream comes after all the host has seen so far.
  uint64_t advance(Queue& queue) {
    join(queue.clock, host_);
    return ++queue.clock[queue.index];
  }

  void push(Queue& queue, std::function<void(std::unique_lock<std::mutex>&)> work) {
    queue.work.push_back(std::move(work));
    changed_.notify_all();
  }

  void run(Queue& queue) {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] {
        if (is_lost_) queue.work.clear();
        return is_closing_ || !queue.work.empty();
      });
      if (queue.work.empty()) return;
      const auto work = std::move(queue.work.front());
      queue.work.pop_front();
      ++running_;
      work(lock);
      --running_;
      changed_.notify_all();
    }
  }

  void sleep(Queue& queue, std::unique_lock<std::mutex>& lock) {
    if (faults_.most_delay.count() == 0) return;
    const auto most = static_cast<uint64_t>(faults_.most_delay.count());
    const std::chrono::microseconds delay(queue.random() % (most + 1));
    lock.unlock();
    std::this_thread::sleep_for(delay);
    lock.lock();
  }

  void lose() {
    is_lost_ = true;
    changed_.notify_all();
  }

  // `clock` is that of the work, or of the host.
  void touch(const Access& access, const Clock& clock, const char* what) {
    std::vector<Access> kept;
    for (const Access& other : accesses_) {
      const bool overlaps = other.begin < access.end && access.begin < other.end;
      const bool is_before = other.stream == access.stream || other.stream == kHost ||
                             clock[static_cast<size_t>(other.stream)] >= other.at;
      if (overlaps && !is_before && (other.is_write || access.is_write)) {
        broken_.push_back(str_cat(what, " is not ordered behind the ",
                                  other.is_write ? "write" : "read",
                                  " of the same bytes by stream ", other.stream));
      }
      // Whoever is ordered behind the new access is ordered behind this one, too.
      const bool is_covered =
          access.begin <= other.begin && other.end <= access.end &&
          (access.is_write || (other.stream == access.stream && !other.is_write));
      if (!is_covered) kept.push_back(other);
    }
    kept.push_back(access);
    accesses_ = std::move(kept);
  }

  void touch(Queue& queue, const void* data, size_t size_bytes, bool is_write, const char* what) {
    const auto* const begin = static_cast<const std::byte*>(data);
    const uint64_t at = advance(queue);
    touch({begin, begin + size_bytes, static_cast<int>(queue.index), at, is_write}, queue.clock,
          what);
  }

  // `digest` of what the source must still hold; empty where work before this one makes it.
  void copy(void* to, const void* from, size_t size_bytes, const std::string& digest, Queue& queue,
            std::unique_lock<std::mutex>& lock) {
    if (copies_++ == faults_.lost_at_copy) return lose();
    lock.unlock();
    std::memset(to, 0xa5, size_bytes);
    lock.lock();
    sleep(queue, lock);
    lock.unlock();
    const auto* const source = static_cast<const std::byte*>(from);
    const bool is_same = digest.empty() || digest_hex({source, size_bytes}) == digest;
    std::memcpy(to, from, size_bytes);
    lock.lock();
    if (!is_same) broken_.emplace_back("pinned memory changed before its copy had run");
  }

  const Faults faults_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Queue>> queues_;  // the first is the copy stream
  std::map<void*, std::shared_ptr<EventState>> events_;
  std::map<std::byte*, size_t> pinned_;
  std::vector<Access> accesses_;
  std::vector<std::string> broken_;
  Clock host_{};
  int64_t submitted_copies_ = 0;
  int64_t copies_ = 0;
  int running_ = 0;
  bool is_lost_ = false;
  bool is_closing_ = false;
};

FakeCopyEngine::FakeCopyEngine(const Faults& faults) : impl_(std::make_unique<Impl>(faults)) {}
FakeCopyEngine::~FakeCopyEngine() = default;

std::byte* FakeCopyEngine::allocate_pinned(size_t size_bytes, const char* tag) {
  REEL_REQUIRE(!impl_->faults_.has_no_pinned_memory, kOutOfMemory,
               str_cat("The fake has no pinned memory for ", tag, '.'));
  const size_t rounded = (size_bytes + 4095) / 4096 * 4096;
  auto* const data = static_cast<std::byte*>(std::aligned_alloc(4096, rounded));
  const std::lock_guard lock(impl_->mutex_);
  impl_->pinned_.emplace(data, size_bytes);
  return data;
}

void FakeCopyEngine::free_pinned(std::byte* data) {
  if (data == nullptr) return;
  const std::lock_guard lock(impl_->mutex_);
  const size_t size_bytes = impl_->pinned_.at(data);
  if (!impl_->is_lost_) {
    impl_->touch({data, data + size_bytes, kHost, 0, true}, impl_->host_, "freeing pinned memory");
  }
  impl_->pinned_.erase(data);
  std::free(data);
}

Stream FakeCopyEngine::copy_stream() { return {impl_->queues_[0].get()}; }

void FakeCopyEngine::copy_to_device(void* to, const void* from, size_t size_bytes) {
  std::string digest = digest_hex({static_cast<const std::byte*>(from), size_bytes});
  const std::lock_guard lock(impl_->mutex_);
  if (impl_->submitted_copies_++ == impl_->faults_.lost_at_submit) impl_->lose();
  impl_->require_device();
  Impl::Queue& queue = *impl_->queues_[0];
  impl_->touch(queue, from, size_bytes, false, "a copy's source");
  impl_->touch(queue, to, size_bytes, true, "a copy's destination");
  impl_->push(queue, [=, this, &queue](std::unique_lock<std::mutex>& held) {
    impl_->copy(to, from, size_bytes, digest, queue, held);
  });
}

void FakeCopyEngine::copy_to_host(void* to, const void* from, size_t size_bytes, Stream stream) {
  const std::lock_guard lock(impl_->mutex_);
  if (impl_->submitted_copies_++ == impl_->faults_.lost_at_submit) impl_->lose();
  impl_->require_device();
  Impl::Queue& queue = Impl::queue_of(stream);
  impl_->touch(queue, from, size_bytes, false, "a copy's source");
  impl_->touch(queue, to, size_bytes, true, "a copy's destination");
  impl_->push(queue, [=, this, &queue](std::unique_lock<std::mutex>& held) {
    impl_->copy(to, from, size_bytes, {}, queue, held);
  });
}

Event FakeCopyEngine::make_event() {
  const std::lock_guard lock(impl_->mutex_);
  auto state = std::make_shared<EventState>();
  void* const handle = state.get();
  impl_->events_.emplace(handle, std::move(state));
  return {handle};
}

void FakeCopyEngine::destroy_event(Event event) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->events_.erase(event.handle);
}

void FakeCopyEngine::record(Event event, Stream stream) {
  std::unique_lock lock(impl_->mutex_);
  impl_->require_quiet_device(lock);
  const auto state = impl_->state_of(event);
  Impl::Queue& queue = Impl::queue_of(stream);
  impl_->advance(queue);
  state->clock = queue.clock;
  const uint64_t count = ++state->records;
  impl_->push(queue, [=](std::unique_lock<std::mutex>&) {
    state->passed = count;
    state->time = std::chrono::steady_clock::now();
  });
}

void FakeCopyEngine::wait(Stream stream, Event event) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->require_device();
  const auto state = impl_->state_of(event);
  Impl::Queue& queue = Impl::queue_of(stream);
  join(queue.clock, state->clock);
  const uint64_t count = state->records;
  Impl* const impl = impl_.get();
  impl->push(queue, [=](std::unique_lock<std::mutex>& held) {
    impl->changed_.wait(
        held, [&] { return state->passed >= count || impl->is_lost_ || impl->is_closing_; });
  });
}

bool FakeCopyEngine::has_passed(Event event) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->require_device();
  const auto state = impl_->state_of(event);
  if (state->passed < state->records) return false;
  join(impl_->host_, state->clock);
  return true;
}

void FakeCopyEngine::wait_on_host(Event event) {
  std::unique_lock lock(impl_->mutex_);
  const auto state = impl_->state_of(event);
  const uint64_t count = state->records;
  impl_->changed_.wait(lock, [&] { return state->passed >= count || impl_->is_lost_; });
  impl_->require_quiet_device(lock);
  join(impl_->host_, state->clock);
}

double FakeCopyEngine::seconds_between(Event begin, Event end) {
  const std::lock_guard lock(impl_->mutex_);
  return std::chrono::duration<double>(impl_->state_of(end)->time - impl_->state_of(begin)->time)
      .count();
}

Stream FakeCopyEngine::make_stream() { return {impl_->add_stream()}; }

void FakeCopyEngine::submit(Stream stream, std::function<void()> work) {
  if (stream.handle == nullptr) return work();
  Impl::Queue& queue = Impl::queue_of(stream);
  Impl* const impl = queue.engine;
  const std::lock_guard lock(impl->mutex_);
  impl->require_device();
  impl->advance(queue);
  impl->push(queue, [impl, &queue, work = std::move(work)](std::unique_lock<std::mutex>& held) {
    impl->sleep(queue, held);
    held.unlock();
    work();
    held.lock();
  });
}

void FakeCopyEngine::finish(Stream stream) {
  const OwnedEvent event(*this);
  record(event, stream);
  wait_on_host(event);
}

void FakeCopyEngine::will_read(Stream stream, const void* data, size_t size_bytes) {
  if (stream.handle == nullptr) return;
  Impl::Queue& queue = Impl::queue_of(stream);
  const std::lock_guard lock(queue.engine->mutex_);
  queue.engine->touch(queue, data, size_bytes, false, "a read");
}

void FakeCopyEngine::will_write(Stream stream, const void* data, size_t size_bytes) {
  if (stream.handle == nullptr) return;
  Impl::Queue& queue = Impl::queue_of(stream);
  const std::lock_guard lock(queue.engine->mutex_);
  queue.engine->touch(queue, data, size_bytes, true, "a write");
}

void FakeCopyEngine::host_writes(const void* data, size_t size_bytes) {
  const std::lock_guard lock(impl_->mutex_);
  const auto* const begin = static_cast<const std::byte*>(data);
  impl_->touch({begin, begin + size_bytes, kHost, 0, true}, impl_->host_, "a write by the host");
}

std::vector<std::string> FakeCopyEngine::broken_rules() const {
  const std::lock_guard lock(impl_->mutex_);
  return impl_->broken_;
}

int64_t FakeCopyEngine::copies() const {
  const std::lock_guard lock(impl_->mutex_);
  return impl_->copies_;
}

int64_t FakeCopyEngine::live() const {
  const std::lock_guard lock(impl_->mutex_);
  return static_cast<int64_t>(impl_->events_.size() + impl_->pinned_.size());
}

}  // namespace reel::test
