// SPDX-License-Identifier: Apache-2.0
// The way of blocks from their files into device memory: threads that read into the pinned ring,
// and one that submits copies and kernels in the order in which blocks are wanted.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/stop.h"
#include "base/thread_group.h"
#include "core/buffer.h"
#include "core/copy_engine.h"
#include "core/memory_space.h"
#include "memory/chunk_reader.h"
#include "memory/load_queue.h"
#include "memory/stream_layout.h"
#include "memory/weight_source.h"

namespace reel::memory {

constexpr std::chrono::microseconds kBetweenPolls{200};

// A place of the window.
struct Slot {
  Buffer memory;
  OwnedEvent ready;  // behind the last copy and kernel that fill it
  OwnedEvent free;   // behind the last work that used it
};

struct LoaderStats {
  uint64_t bytes_read = 0;    // from files
  uint64_t bytes_copied = 0;  // to the device
  int restarts = 0;           // a block was asked for that was not the next
};

// Used by one thread besides its own.
class BlockLoader {
 public:
  // Takes all memory and starts to read. As BlockStreamer.
  BlockLoader(StreamLayout layout, MemorySpace& device, CopyEngine& engine, const StopFlag& stop,
              const StreamerOptions& options);
  ~BlockLoader() { close(); }
  BlockLoader(const BlockLoader&) = delete;
  BlockLoader& operator=(const BlockLoader&) = delete;

  size_t blocks() const { return units_.size() - 2; }
  size_t fixed_unit() const { return units_.size() - 2; }
  size_t setup_unit() const { return units_.size() - 1; }
  bool stays(size_t unit) const { return units_[unit].is_resident; }

  // What stays: its weights, and the event behind which they are usable. Waits until all of it is
  // submitted: before that, the event cannot be waited for on a stream. Throws what went wrong on
  // the way (the next call tries again), and kCancelled.
  struct Resident {
    const WeightSource& weights;
    const OwnedEvent& ready;
  };
  Resident await_resident(size_t unit);
  // A block that passes through, in its slot, which is its user's until release_slot(). As above.
  LoadPtr await_passing(size_t unit);
  Slot& slot(int index) { return slots_[static_cast<size_t>(index)]; }
  std::unique_ptr<WeightSource> open(size_t unit, Slot& slot) {
    return units_[unit].plan->open(slot.memory.data());
  }
  // Once its event `free` is recorded.
  void release_slot(int index);

  // Gives memory of the setup weights away, and takes and fills it again, behind what `after` has
  // got so far.
  bool has_setup() const { return units_[setup_unit()].source != nullptr; }
  void release_setup();
  void bring_setup_back(const std::optional<Stream>& after);

  void set_last_pass();
  LoaderStats stats() const;
  // Ends the threads; what they have submitted may still be under way.
  void close();

 private:
  using Lock = std::unique_lock<std::mutex>;

  // A chunk on its way, or the end of a load.
  struct Task {
    static constexpr size_t kEnd = ~size_t{0};

    LoadPtr load;
    size_t chunk = kEnd;
    size_t ring_place = 0;
    size_t begins = 0;  // where in the ring's buffer
    bool is_read = false;
  };

  // What is read and where it goes.
  struct Unit : StreamUnit {
    explicit Unit(StreamUnit planned) : StreamUnit(std::move(planned)) {}

    bool has_digest = false;
    // Of what stays.
    Buffer memory;
    std::unique_ptr<WeightSource> source;
    OwnedEvent ready;
  };

  struct RingPlace {
    std::span<std::byte> buffer;
    OwnedEvent copied;
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

  void take_memory(const StreamLayout& layout);
  void take_memory(size_t unit);
  void follow(const std::optional<Stream>& stream);
  void wait_until_issued(Lock& lock, const Load& load);

  // Of the threads that read.
  void read_chunks();
  Task* take_chunk();
  bool is_all_taken() const;
  void begin_reading();
  void end_reading();
  void read_chunk(Task& task);
  void add_to_digest(const Task& task, std::span<const std::byte> bytes);

  // Of the thread that submits.
  void issue_chunks();
  bool take_slot(Lock& lock, Load& load);
  void issue(const Task& task);
  void issue_pieces(const Unit& unit, const Chunk& chunk, const std::byte* from, std::byte* slot);

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
  OwnedEvent before_;  // of follow()

  bool is_new_slot_ = false;  // of the thread that submits

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> is_closing_{false};
  LoadQueue queue_;
  LoadPtr reading_;
  size_t next_chunk_ = 0;   // of reading_
  std::deque<Task> tasks_;  // taken by readers, not submitted yet
  uint64_t chunks_taken_ = 0;
  uint64_t chunks_issued_ = 0;
  LoaderStats stats_;

  ThreadGroup threads_;  // last: ends first
};

}  // namespace reel::memory
