// SPDX-License-Identifier: Apache-2.0
#include "memory/block_streamer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/thread_group.h"
#include "core/buffer.h"

namespace reel::memory {
namespace {

using Lock = std::unique_lock<std::mutex>;

constexpr std::chrono::milliseconds kBetweenLooks{50};  // at the stop flag
constexpr std::chrono::microseconds kBetweenPolls{200};
constexpr int kNone = -1;

// One block on its way to a slot, or there.
struct Job {
  explicit Job(size_t block) : unit(block) {}

  const size_t unit;
  int slot = kNone;           // of the window, from its first chunk on
  bool is_discarded = false;  // nobody wants it any more
  bool is_issued = false;     // its last copy and kernel are submitted, or it has failed
  bool has_failed = false;
  std::exception_ptr error;  // until somebody rethrows it
  size_t chunks_digested = 0;

  bool is_dead() const { return is_discarded || has_failed; }
  void fail_with(std::exception_ptr reason) {
    if (!reason || has_failed) return;
    has_failed = true;
    error = std::move(reason);
  }
};
using JobPtr = std::shared_ptr<Job>;  // the queues and whoever works on it share a job

// A chunk on its way, or the end of a job.
struct Task {
  static constexpr size_t kEnd = ~size_t{0};

  JobPtr job;
  size_t chunk = kEnd;
  size_t ring_place = 0;
  size_t begins = 0;  // where in the ring's buffer
  bool is_read = false;
};

// What is read and where it goes: a block, or the fixed or setup weights.
struct Unit : StreamUnit {
  explicit Unit(StreamUnit planned) : StreamUnit(std::move(planned)) {}

  bool has_digest = false;
  bool is_digesting = false;
  // Of resident ones.
  Buffer memory;
  std::unique_ptr<WeightSource> source;
  OwnedEvent ready;
  JobPtr job;
};

struct Slot {
  Buffer memory;
  OwnedEvent ready;  // behind the last copy and kernel that fill it
  OwnedEvent free;   // behind the last work that used it
};

struct RingPlace {
  std::span<std::byte> buffer;
  OwnedEvent copied;
};

// How long the compute stream stood before a block: two events.
struct Wait {
  OwnedEvent begin, end;
};

class Pinned {
 public:
  Pinned(CopyEngine& engine, size_t size_bytes)
      : engine_(engine), data_(engine.allocate_pinned(size_bytes, "the ring of weight chunks")) {}
  ~Pinned() { engine_.free_pinned(data_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  std::byte* data() const { return data_; }

 private:
  CopyEngine& engine_;
  std::byte* data_;
};

}  // namespace

class BlockStreamer::Impl {
 public:
  Impl(StreamLayout layout, MemorySpace& device, CopyEngine& engine, const StopFlag& stop,
       const StreamerOptions& options)
      : options_(options),
        device_(device),
        engine_(engine),
        stop_(stop),
        reader_(options.read_mode, options.read),
        units_(std::make_move_iterator(layout.units.begin()),
               std::make_move_iterator(layout.units.end())),
        staging_(device, layout.footprint.staging_bytes, "weights/staging"),
        pinned_(engine, layout.footprint.pinned_bytes),
        end_(engine) {
    take_memory(layout);
    follow(options.after);
    add_job(fixed_unit());
    add_job(setup_unit());
    try {
      for (int thread = 0; thread < options.reader_threads; ++thread) {
        threads_.start([this] { read_chunks(); });
      }
      threads_.start([this] { issue_chunks(); });
    } catch (...) {
      close();
      throw;
    }
  }

  ~Impl() {
    close();
    // Ending a stage: whoever gets the memory next must not meet work that still uses it.
    try {
      if (has_acquired_) {
        engine_.record(end_, last_stream_);
        engine_.wait_on_host(end_);
      }
      engine_.record(end_, engine_.copy_stream());
      engine_.wait_on_host(end_);
    } catch (const Error&) {  // the device is lost: nothing runs on it
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  int blocks() const { return static_cast<int>(units_.size()) - 2; }

  const WeightSource& fixed() {
    Unit& unit = units_[fixed_unit()];
    await_resident(unit);
    wait_until_passed(unit.ready);
    return *unit.source;
  }

  const WeightSource& setup() {
    Unit& unit = units_[setup_unit()];
    if (unit.source == nullptr) bring_back(unit);
    await_resident(unit);
    wait_until_passed(unit.ready);
    return *unit.source;
  }

  const WeightSource& acquire(int index, Stream stream) {
    REEL_REQUIRE(index >= 0 && index < blocks(), kInvalidArgument,
                 str_cat("there is no block ", index, " of ", blocks(), '.'));
    stop_.check();
    release_setup(stream);
    if (index != current_) release_current();
    last_stream_ = stream;
    has_acquired_ = true;
    Wait wait = take_wait();
    engine_.record(wait.begin, stream);
    bound_host(wait);
    Unit& unit = units_[static_cast<size_t>(index)];
    if (unit.is_resident) {
      await_resident(unit);
      engine_.wait(stream, unit.ready);
    } else {
      const JobPtr job = index == current_ ? current_job_ : await_streamed(index);
      engine_.wait(stream, slots_[static_cast<size_t>(job->slot)].ready);
      if (index != current_) {
        passing_ = unit.plan->open(slots_[static_cast<size_t>(job->slot)].memory.data());
        current_job_ = job;
      }
    }
    engine_.record(wait.end, stream);
    waits_.push_back(std::move(wait));
    current_ = index;
    return unit.is_resident ? *unit.source : *passing_;
  }

  void set_last_pass() {
    const Lock lock(mutex_);
    is_last_pass_ = true;
  }

  StreamerStats stats() {
    count_waits();
    const Lock lock(mutex_);
    return stats_;
  }

 private:
  // ---- construction and end

  size_t fixed_unit() const { return units_.size() - 2; }
  size_t setup_unit() const { return units_.size() - 1; }

  void take_memory(const StreamLayout& layout) {
    for (size_t at = 0; at < units_.size(); ++at) {
      if (!units_[at].is_resident) continue;
      take_memory(units_[at], at == fixed_unit()   ? "weights/fixed"
                              : at == setup_unit() ? "weights/setup"
                                                   : "weights/resident");
      units_[at].ready = OwnedEvent(engine_);
    }
    for (size_t at = 0; at < layout.slots; ++at) {
      slots_.push_back({.memory = Buffer(device_, layout.slot_bytes, "weights/window"),
                        .ready = OwnedEvent(engine_),
                        .free = OwnedEvent(engine_)});
      free_slots_.push_back(static_cast<int>(at));
    }
    for (size_t at = 0; at < layout.ring_places; ++at) {
      ring_.push_back({.buffer = {pinned_.data() + at * options_.chunk_bytes, options_.chunk_bytes},
                       .copied = OwnedEvent(engine_)});
    }
  }

  void take_memory(Unit& unit, const char* tag) {
    const bool is_setup = &unit == &units_[setup_unit()];
    MemorySpace& memory =
        is_setup && options_.setup_memory != nullptr ? *options_.setup_memory : device_;
    unit.memory = Buffer(memory, unit.plan->slot_bytes(), tag);
    unit.source = unit.plan->open(unit.memory.data());
  }

  // Copies submitted from now on run behind what `stream` has got so far.
  void follow(const std::optional<Stream>& stream) {
    if (!stream) return;
    engine_.record(end_, *stream);
    engine_.wait(engine_.copy_stream(), end_);
  }

  void close() {
    {
      const Lock lock(mutex_);
      is_closing_ = true;
    }
    changed_.notify_all();
    threads_.join();
  }

  // ---- jobs (all with the lock held)

  JobPtr add_job(size_t unit) {
    auto job = std::make_shared<Job>(unit);
    if (units_[unit].is_resident) {
      units_[unit].job = job;
    } else {
      coming_.push_back(job);
    }
    unread_.push_back(job);
    changed_.notify_all();
    return job;
  }

  // Starts the next block in the usual order when there is room for it.
  bool add_next_job() {
    const auto blocks = static_cast<size_t>(this->blocks());
    for (size_t step = 0; step <= blocks; ++step) {
      if (next_ == blocks) {
        if (is_last_pass_) return false;
        next_ = 0;
      }
      if (next_ == blocks) return false;  // there are none at all
      Unit& unit = units_[next_];
      if (unit.is_resident && unit.job != nullptr) {
        ++next_;
        continue;
      }
      // One more than the slots may be in the ring.
      if (!unit.is_resident && coming_.size() > slots_.size()) return false;
      add_job(next_++);
      return true;
    }
    return false;
  }

  void discard(Job& job) {
    job.is_discarded = true;
    if (job.slot != kNone) free_slots_.push_back(job.slot);
    changed_.notify_all();
  }

  // Out of turn: blocks that wait for a slot would be in the way for ever.
  void make_way() {
    if (coming_.empty()) return;
    ++stats_.restarts;
    next_ = coming_.front()->unit;
    for (const JobPtr& job : coming_) discard(*job);
    coming_.clear();
  }

  // The job that brings a block that passes through, which is next in line afterwards.
  JobPtr job_for(size_t unit) {
    const auto is_it = [&](const JobPtr& job) { return job->unit == unit; };
    const bool is_coming = std::ranges::any_of(coming_, is_it);
    if (!is_coming && !(coming_.empty() && next_streamed() == unit)) ++stats_.restarts;
    while (!coming_.empty() && (!is_coming || coming_.front()->unit != unit)) {
      discard(*coming_.front());
      coming_.pop_front();
    }
    if (is_coming) return coming_.front();
    next_ = unit + 1;
    return add_job(unit);
  }

  size_t next_streamed() const {
    size_t at = next_;
    for (size_t step = 0; step < units_.size(); ++step) {
      if (at >= static_cast<size_t>(blocks())) at = 0;
      if (!units_[at].is_resident) break;
      ++at;
    }
    return at;
  }

  // ---- the compute side

  // The memory of the setup weights is the activations' from the first block on.
  void release_setup(Stream stream) {
    Unit& unit = units_[setup_unit()];
    if (unit.source == nullptr) return;
    await_resident(unit);
    engine_.wait(stream, unit.ready);
    unit.source = nullptr;
    unit.memory = {};
    const Lock lock(mutex_);
    unit.job = nullptr;
  }

  // Once more, in the place of the blocks that are on their way.
  void bring_back(Unit& unit) {
    if (has_acquired_) follow(last_stream_);
    take_memory(unit, "weights/setup");
    const Lock lock(mutex_);
    make_way();
    add_job(setup_unit());
  }

  void release_current() {
    if (current_ == kNone) return;
    current_ = kNone;
    if (current_job_ == nullptr) return;
    const int slot = current_job_->slot;
    current_job_ = nullptr;
    engine_.record(slots_[static_cast<size_t>(slot)].free, last_stream_);
    const Lock lock(mutex_);
    free_slots_.push_back(slot);
    changed_.notify_all();
  }

  void await_resident(Unit& unit) {
    Lock lock(mutex_);
    if (unit.job == nullptr) {
      const auto at = static_cast<size_t>(&unit - units_.data());
      make_way();
      if (at == next_) ++next_;
      add_job(at);
    }
    const JobPtr job = unit.job;
    wait_until_issued(lock, *job);
    if (!job->has_failed) return;
    unit.job = nullptr;  // the next call tries again
    std::rethrow_exception(std::move(job->error));
  }

  JobPtr await_streamed(int index) {
    Lock lock(mutex_);
    const JobPtr job = job_for(static_cast<size_t>(index));
    wait_until_issued(lock, *job);
    coming_.pop_front();
    changed_.notify_all();
    if (!job->has_failed) return job;
    discard(*job);
    std::rethrow_exception(std::move(job->error));
  }

  // The events that order the block can be waited for on a stream only when they are recorded.
  void wait_until_issued(Lock& lock, const Job& job) {
    while (!job.is_issued) {
      changed_.wait_for(lock, kBetweenLooks);
      stop_.check();
    }
  }

  void wait_until_passed(Event event) {
    while (!engine_.has_passed(event)) {
      stop_.check();
      std::this_thread::sleep_for(kBetweenPolls);
    }
  }

  // Bounds how far the host runs ahead: a stop must not leave the device with minutes of work.
  void bound_host(const Wait& now) {
    const auto ahead = static_cast<size_t>(options_.most_blocks_ahead);
    if (ahead == 1) return wait_until_passed(now.begin);
    // The begin of a wait stands behind the block before.
    if (ahead >= 2 && waits_.size() >= ahead - 1) {
      wait_until_passed(waits_[waits_.size() - (ahead - 1)].begin);
    }
  }

  Wait take_wait() {
    count_waits();
    if (spare_waits_.empty()) return {.begin = OwnedEvent(engine_), .end = OwnedEvent(engine_)};
    Wait wait = std::move(spare_waits_.back());
    spare_waits_.pop_back();
    return wait;
  }

  void count_waits() {
    while (!waits_.empty() && engine_.has_passed(waits_.front().end)) {
      const double seconds = engine_.seconds_between(waits_.front().begin, waits_.front().end);
      spare_waits_.push_back(std::move(waits_.front()));
      waits_.pop_front();
      const Lock lock(mutex_);
      stats_.stall_seconds += seconds;
    }
  }

  // ---- reader threads

  void read_chunks() {
    while (Task* const task = take_chunk()) {
      Job& job = *task->job;
      std::exception_ptr error;
      try {
        read_chunk(*task);
      } catch (...) {
        error = std::current_exception();
      }
      const Lock lock(mutex_);
      job.fail_with(std::move(error));
      task->is_read = true;
      changed_.notify_all();
    }
  }

  // The next chunk in line, with a place in the ring; null at the end.
  Task* take_chunk() {
    Lock lock(mutex_);
    while (!is_closing_) {
      if (reading_ != nullptr && is_all_taken()) end_reading();
      if (reading_ == nullptr && (!unread_.empty() || add_next_job())) {
        reading_ = unread_.front();
        unread_.pop_front();
        next_chunk_ = 0;
        continue;
      }
      if (reading_ != nullptr && chunks_taken_ - chunks_issued_ < ring_.size()) {
        return &tasks_.emplace_back(Task{
            .job = reading_, .chunk = next_chunk_++, .ring_place = chunks_taken_++ % ring_.size()});
      }
      changed_.wait(lock);
    }
    return nullptr;
  }

  bool is_all_taken() const {
    return reading_->is_dead() || next_chunk_ == units_[reading_->unit].chunks.size();
  }

  void end_reading() {
    tasks_.emplace_back(Task{.job = std::move(reading_), .is_read = true});
    reading_ = nullptr;
    changed_.notify_all();
  }

  void read_chunk(Task& task) {
    RingPlace& place = ring_[task.ring_place];
    while (!engine_.has_passed(place.copied)) {
      if (is_closing_) return;
      std::this_thread::sleep_for(kBetweenPolls);
    }
    const Chunk& chunk = units_[task.job->unit].chunks[task.chunk];
    task.begins = reader_.read(chunk, place.buffer);
    add_to_digest(task, place.buffer.subspan(task.begins, chunk.size_bytes));
    const Lock lock(mutex_);
    stats_.bytes_read += chunk.size_bytes;
  }

  // Chunks of a block take turns: a digest is of bytes in order.
  void add_to_digest(const Task& task, std::span<const std::byte> bytes) {
    Job& job = *task.job;
    Unit& unit = units_[job.unit];
    Lock lock(mutex_);
    if (unit.has_digest) return;
    changed_.wait(lock, [&] {
      return is_closing_ || job.is_dead() ||
             (job.chunks_digested == task.chunk && !unit.is_digesting);
    });
    if (is_closing_ || job.is_dead()) return;
    unit.is_digesting = true;
    lock.unlock();
    for (const ChunkPiece& piece : unit.chunks[task.chunk].pieces) {
      unit.plan->add_to_digest(piece.read, piece.read_offset_bytes,
                               bytes.subspan(piece.from_bytes, piece.size_bytes));
    }
    lock.lock();
    unit.is_digesting = false;
    ++job.chunks_digested;
    if (job.chunks_digested == unit.chunks.size()) unit.has_digest = true;
    changed_.notify_all();
  }

  // ---- the thread that submits copies and kernels, in order

  void issue_chunks() {
    Lock lock(mutex_);
    while (true) {
      changed_.wait(lock,
                    [&] { return is_closing_ || (!tasks_.empty() && tasks_.front().is_read); });
      if (is_closing_) return;
      Task& task = tasks_.front();
      Job& job = *task.job;
      if (!job.is_dead() && take_slot(lock, job)) {
        lock.unlock();
        std::exception_ptr error;
        try {
          issue(task);
        } catch (...) {
          error = std::current_exception();
        }
        lock.lock();
        job.fail_with(std::move(error));
      }
      if (is_closing_) return;
      if (task.chunk == Task::kEnd) {
        job.is_issued = true;
      } else {
        ++chunks_issued_;
      }
      tasks_.pop_front();
      changed_.notify_all();
    }
  }

  // False when the job ends before a slot is free.
  bool take_slot(Lock& lock, Job& job) {
    if (units_[job.unit].is_resident || job.slot != kNone) return true;
    changed_.wait(lock, [&] { return is_closing_ || job.is_dead() || !free_slots_.empty(); });
    if (is_closing_ || job.is_dead()) return false;
    job.slot = free_slots_.front();
    free_slots_.pop_front();
    is_new_slot_ = true;
    return true;
  }

  void issue(const Task& task) {
    const Job& job = *task.job;
    Unit& unit = units_[job.unit];
    Slot* const slot = unit.is_resident ? nullptr : &slots_[static_cast<size_t>(job.slot)];
    if (std::exchange(is_new_slot_, false)) engine_.wait(engine_.copy_stream(), slot->free);
    if (task.chunk == Task::kEnd) {
      engine_.record(slot == nullptr ? unit.ready : slot->ready, engine_.copy_stream());
      return;
    }
    RingPlace& place = ring_[task.ring_place];
    std::byte* const to = slot == nullptr ? unit.memory.data() : slot->memory.data();
    try {
      issue_pieces(unit, unit.chunks[task.chunk], place.buffer.data() + task.begins, to);
    } catch (...) {
      engine_.record(place.copied, engine_.copy_stream());  // some copies may be under way
      throw;
    }
    engine_.record(place.copied, engine_.copy_stream());
  }

  void issue_pieces(const Unit& unit, const Chunk& chunk, const std::byte* from, std::byte* slot) {
    uint64_t bytes = 0;
    for (const ChunkPiece& piece : chunk.pieces) {
      std::byte* const to = (piece.to_staging ? staging_.data() : slot) + piece.to_bytes;
      engine_.copy_to_device(to, from + piece.from_bytes, piece.size_bytes);
      bytes += piece.size_bytes;
      if (piece.finished_item != -1) {
        unit.plan->make_item(piece.finished_item, slot, staging_.data(), engine_.copy_stream());
      }
    }
    const Lock lock(mutex_);
    stats_.bytes_copied += bytes;
  }

  const StreamerOptions options_;
  MemorySpace& device_;
  CopyEngine& engine_;
  const StopFlag& stop_;
  ChunkReader reader_;
  std::vector<Unit> units_;  // the blocks, the fixed weights, the setup weights
  Buffer staging_;
  Pinned pinned_;
  std::vector<RingPlace> ring_;
  std::vector<Slot> slots_;
  OwnedEvent end_;

  // Of the thread that calls acquire().
  int current_ = kNone;
  JobPtr current_job_;  // null when the current block is resident
  std::unique_ptr<WeightSource> passing_;
  Stream last_stream_;
  bool has_acquired_ = false;
  std::deque<Wait> waits_;  // oldest first, not counted yet
  std::vector<Wait> spare_waits_;

  // Of the thread that submits.
  bool is_new_slot_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> is_closing_{false};
  std::deque<JobPtr> coming_;  // blocks for the window that nobody has acquired yet, in order
  std::deque<JobPtr> unread_;
  JobPtr reading_;
  size_t next_chunk_ = 0;   // of reading_
  size_t next_ = 0;         // the block to start after those
  std::deque<Task> tasks_;  // taken by readers, not submitted yet
  uint64_t chunks_taken_ = 0;
  uint64_t chunks_issued_ = 0;
  std::deque<int> free_slots_;
  bool is_last_pass_ = false;
  StreamerStats stats_;

  ThreadGroup threads_;  // last: ends first
};

BlockStreamer::BlockStreamer(const Manifest& manifest, SlotPreparer& preparer, MemorySpace& device,
                             CopyEngine& engine, const StopFlag& stop,
                             const StreamerOptions& options)
    : impl_(std::make_unique<Impl>(make_stream_layout(manifest, preparer, options), device, engine,
                                   stop, options)) {}
BlockStreamer::~BlockStreamer() = default;

int BlockStreamer::blocks() const { return impl_->blocks(); }
const WeightSource& BlockStreamer::setup() { return impl_->setup(); }
const WeightSource& BlockStreamer::fixed() { return impl_->fixed(); }
const WeightSource& BlockStreamer::acquire(int index, Stream stream) {
  return impl_->acquire(index, stream);
}
void BlockStreamer::set_last_pass() { impl_->set_last_pass(); }
StreamerStats BlockStreamer::stats() const { return impl_->stats(); }

}  // namespace reel::memory
