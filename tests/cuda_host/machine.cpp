// SPDX-License-Identifier: Apache-2.0
#include "cuda_host/machine.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <numeric>
#include <sstream>
#include <utility>
#include <vector>

#include "cuda_host/fiber.h"
#include "cuda_host/random.h"
#include "cuda_host/shared_memory.h"
#include "cuda_host/warps.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace reel::cuda_host {
namespace {

constexpr int kMostThreads = 1024;
constexpr int kMostWarps = kMostThreads / kLanes;
constexpr int kBarriers = 16;               // of a block; 0 is sync_block()'s
constexpr size_t kStackBytes = 128 * 1024;  // address space; pages are used as a thread needs them
// A warp that could go on makes room for another one once in so many collectives.
constexpr uint64_t kCollectivesPerChange = 16;

enum class Phase { kReady, kInCollective, kAtBarrier, kAtPart, kDone };

struct Thread {
  explicit Thread() : fiber(kStackBytes) {}

  Fiber fiber;
  uint3 index{};
  uint16_t number = 0;
  Phase phase = Phase::kDone;
  Site site{};                        // where it waits
  const Collective* waits = nullptr;  // for what, in a collective
  int part = 0;                       // at which barrier of a part
};

struct Warp {
  uint32_t lanes = 0;    // bit l: the block has lane l
  uint32_t ready = 0;    // bit l: lane l can go on
  uint32_t arrived = 0;  // bit l: lane l waits in the collective
  uint32_t epoch = 0;
  const Collective* kind = nullptr;  // what the arrived lanes wait for
  Site site{};
  void* args[kLanes] = {};
  // Barriers of parts: how many it has passed and one more, and what it knows of other warps'.
  uint32_t part_step = 1;
  std::array<uint32_t, kMostWarps> seen{};
};

// A barrier of some warps.
struct Part {
  int threads = 0;  // that it is for
  int arrived = 0;
  Site site{};
};

class Machine {
 public:
  void run(const Grid& grid);
  Actor actor() const;

  void sync_block(Site site);
  void sync_part(int number, int threads, Site site);
  bool is_behind(int warp, uint32_t part_step) const {
    return warps_[warp_of(*current_)].seen[static_cast<size_t>(warp)] >= part_step;
  }
  void collective(const Collective& kind, void* args, Site site);
  void start_warp_epoch() { warps_[warp_of(*current_)].epoch = ++epochs_; }
  [[noreturn]] void fault(const Text& what);

 private:
  static size_t warp_of(const Thread& thread) { return thread.number / kLanes; }
  static uint32_t bit_of(const Thread& thread) { return 1u << (thread.number % kLanes); }

  void prepare_block(const uint3& block);
  void thread_main();
  void make_ready(Thread& thread);
  void wait(Phase phase, Site site);
  Thread* next_thread();
  void enter(Thread& next, bool last);
  bool release_barrier();
  void release_part(int number);
  [[noreturn]] void report_stuck();
  [[noreturn]] void leave(const char* fault);

  const Grid* grid_ = nullptr;
  int threads_in_block_ = 0;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Warp> warps_;
  std::array<Part, kBarriers> parts_{};
  uint32_t ready_warps_ = 0;  // bit w: warp w has a ready lane
  int done_ = 0;
  int at_barrier_ = 0;
  Thread* current_ = nullptr;
  Fiber main_;
  std::string fault_;
  uint32_t block_epoch_ = 0;
  uint32_t epochs_ = 0;
  Random random_{0};
};

Machine& machine() {
  static Machine machine;
  return machine;
}

std::string block_name() {
  std::ostringstream out;
  out << "block (" << blockIdx.x << ", " << blockIdx.y << ", " << blockIdx.z << ")";
  return std::move(out).str();
}

int64_t volume(const dim3& size) { return int64_t{size.x} * size.y * size.z; }

// What the driver refuses, it refuses with one sentence for all.
void check_shape(const Grid& grid) {
  const int64_t threads = volume(grid.block);
  const bool fits = volume(grid.grid) > 0 && grid.grid.x <= 0x7fffffffu && grid.grid.y <= 65535 &&
                    grid.grid.z <= 65535 && threads > 0 && threads <= kMostThreads &&
                    grid.block.z <= 64 && grid.shared_bytes <= kMostSharedBytes;
  if (fits) return;
  std::ostringstream out;
  out << "kernel \"" << grid.name << "\" cannot start: grid " << grid.grid.x << " x " << grid.grid.y
      << " x " << grid.grid.z << ", block " << grid.block.x << " x " << grid.block.y << " x "
      << grid.block.z << ", " << grid.shared_bytes << " bytes of shared memory";
  throw KernelFault(std::move(out).str());
}

uint64_t hash(const char* text) {  // FNV-1a
  uint64_t value = 0xcbf29ce484222325u;
  for (; *text != 0; ++text) {
    value = (value ^ static_cast<unsigned char>(*text)) * 0x100000001b3u;
  }
  return value;
}

void Machine::run(const Grid& grid) {
  check_shape(grid);
  grid_ = &grid;
  gridDim = grid.grid;
  blockDim = grid.block;
  threads_in_block_ = static_cast<int>(volume(grid.block));
  while (static_cast<int>(threads_.size()) < threads_in_block_) {
    threads_.push_back(std::make_unique<Thread>());
  }
  random_ = {seed() ^ hash(grid.name)};

  std::vector<int64_t> blocks(static_cast<size_t>(volume(grid.grid)));
  std::iota(blocks.begin(), blocks.end(), 0);
  for (size_t at = blocks.size() - 1; at > 0; --at) {
    std::swap(blocks[at], blocks[random_.next() % (at + 1)]);
  }
  for (const int64_t block : blocks) {
    const auto number = static_cast<uint64_t>(block);
    prepare_block({static_cast<unsigned>(number % grid.grid.x),
                   static_cast<unsigned>(number / grid.grid.x % grid.grid.y),
                   static_cast<unsigned>(number / grid.grid.x / grid.grid.y)});
    Thread* first = next_thread();
    current_ = first;
    threadIdx = first->index;
    watch_shared_memory(true);
    Fiber::switch_to(main_, first->fiber);
    watch_shared_memory(false);
    current_ = nullptr;
    if (fault_.empty()) fault_ = end_shared_memory();
    if (!fault_.empty()) {
      abandon_shared_memory();
      throw KernelFault("kernel \"" + std::string(grid.name) + "\", " + block_name() + ": " +
                        std::exchange(fault_, {}) +
                        " [REEL_CUDA_HOST_SEED=" + std::to_string(seed()) + "]");
    }
  }
}

void Machine::prepare_block(const uint3& block) {
  blockIdx = block;
  begin_shared_memory(grid_->shared_bytes, threads_in_block_);
  warps_.assign(static_cast<size_t>((threads_in_block_ + kLanes - 1) / kLanes), Warp{});
  parts_ = {};
  ready_warps_ = 0;
  done_ = 0;
  at_barrier_ = 0;
  ++block_epoch_;
  for (int number = 0; number < threads_in_block_; ++number) {
    Thread& thread = *threads_[static_cast<size_t>(number)];
    const auto at = static_cast<unsigned>(number);
    thread.number = static_cast<uint16_t>(number);
    thread.index = {at % blockDim.x, at / blockDim.x % blockDim.y, at / blockDim.x / blockDim.y};
    thread.fiber.restart([] { machine().thread_main(); });
    warps_[warp_of(thread)].lanes |= bit_of(thread);
    make_ready(thread);
  }
}

void Machine::thread_main() {
  grid_->thread(grid_->body);
  ++done_;
  Thread& self = *current_;
  self.phase = Phase::kDone;
  Warp& warp = warps_[warp_of(self)];
  warp.ready &= ~bit_of(self);
  if (warp.ready == 0) ready_warps_ &= ~(1u << warp_of(self));
  if (done_ == threads_in_block_) leave("");
  Thread* next = next_thread();
  if (next == nullptr) report_stuck();
  enter(*next, /*last=*/true);
  __builtin_unreachable();
}

void Machine::make_ready(Thread& thread) {
  thread.phase = Phase::kReady;
  warps_[warp_of(thread)].ready |= bit_of(thread);
  ready_warps_ |= 1u << warp_of(thread);
}

// Puts the running thread to sleep until somebody makes it ready.
void Machine::wait(Phase phase, Site site) {
  Thread& self = *current_;
  self.phase = phase;
  self.site = site;
  Warp& warp = warps_[warp_of(self)];
  warp.ready &= ~bit_of(self);
  if (warp.ready == 0) ready_warps_ &= ~(1u << warp_of(self));
  if (phase == Phase::kAtPart) {
    const Part& part = parts_[static_cast<size_t>(self.part)];
    if (part.arrived == part.threads) release_part(self.part);
  }
  Thread* next = next_thread();
  if (next == nullptr && release_barrier()) next = next_thread();
  if (next == nullptr) report_stuck();
  if (next != &self) enter(*next, /*last=*/false);
}

// Stays in the warp of the running thread as long as it has a ready lane; null when none has.
Thread* Machine::next_thread() {
  size_t warp = current_ != nullptr ? warp_of(*current_) : 0;
  if (current_ == nullptr || warps_[warp].ready == 0) {
    if (ready_warps_ == 0) return nullptr;
    warp = static_cast<size_t>(random_.pick(ready_warps_));
  }
  return threads_[warp * kLanes + static_cast<size_t>(random_.pick(warps_[warp].ready))].get();
}

void Machine::enter(Thread& next, bool last) {
  Thread& self = *current_;
  current_ = &next;
  threadIdx = next.index;
  Fiber::switch_to(self.fiber, next.fiber, last);
}

void Machine::sync_block(Site site) {
  ++at_barrier_;
  wait(Phase::kAtBarrier, site);
}

void Machine::sync_part(int number, int threads, Site site) {
  Thread& self = *current_;
  if (number < 1 || number >= kBarriers || threads % kLanes != 0 || threads < kLanes) {
    fault(Text() << "calls sync_part at " << site << " with barrier " << number << " for "
                 << threads << " threads");
  }
  Part& part = parts_[static_cast<size_t>(number)];
  if (part.arrived == 0) {
    part.threads = threads;
    part.site = site;
  } else if (part.threads != threads || part.site != site) {
    fault(Text() << "comes to barrier " << number << " at " << site << " for " << threads
                 << " threads, where others wait at " << part.site << " for " << part.threads);
  }
  self.part = number;
  ++part.arrived;
  wait(Phase::kAtPart, site);
}

// All its threads have come. What they did before is behind what they do from now on, and so is
// what others did that one of their warps knew to be behind it.
void Machine::release_part(int number) {
  parts_[static_cast<size_t>(number)] = {};
  std::array<uint32_t, kMostWarps> seen{};
  std::array<uint32_t, kMostWarps> here{};  // bit l: lane l
  for (int at = 0; at < threads_in_block_; ++at) {
    Thread& thread = *threads_[static_cast<size_t>(at)];
    if (thread.phase != Phase::kAtPart || thread.part != number) continue;
    make_ready(thread);
    const size_t warp = warp_of(thread);
    if (std::exchange(here[warp], here[warp] | bit_of(thread)) != 0) continue;
    for (size_t other = 0; other < seen.size(); ++other) {
      seen[other] = std::max(seen[other], warps_[warp].seen[other]);
    }
    seen[warp] = std::max(seen[warp], warps_[warp].part_step);
  }
  for (size_t warp = 0; warp < warps_.size(); ++warp) {
    if (here[warp] == 0) continue;
    if (here[warp] != warps_[warp].lanes) {
      fault(Text() << "waits at barrier " << number << " without all lanes of its warp");
    }
    warps_[warp].seen = seen;
    ++warps_[warp].part_step;
    warps_[warp].epoch = ++epochs_;
  }
}

bool Machine::release_barrier() {
  if (at_barrier_ != threads_in_block_) return false;
  for (int number = 0; number < threads_in_block_; ++number) {
    if (threads_[static_cast<size_t>(number)]->site != threads_[0]->site) return false;
  }
  at_barrier_ = 0;
  ++block_epoch_;
  for (int number = 0; number < threads_in_block_; ++number) {
    make_ready(*threads_[static_cast<size_t>(number)]);
  }
  return true;
}

void Machine::collective(const Collective& kind, void* args, Site site) {
  Thread& self = *current_;
  Warp& warp = warps_[warp_of(self)];
  if (kind.whole_warp && warp.lanes != 0xffffffffu) {
    fault(Text() << "calls " << kind.name << " at " << site
                 << " in a warp of fewer than 32 threads");
  }
  if (warp.arrived == 0) {
    warp.kind = &kind;
    warp.site = site;
  } else if (warp.kind != &kind || warp.site != site) {
    fault(Text() << "calls " << kind.name << " at " << site
                 << " while other lanes of its warp wait in " << warp.kind->name << " at "
                 << warp.site);
  }
  warp.args[self.number % kLanes] = args;
  warp.arrived |= bit_of(self);
  if (warp.arrived != warp.lanes) {
    self.waits = &kind;
    return wait(Phase::kInCollective, site);
  }
  watch_shared_memory(false);  // what the machine touches is no access of this thread
  kind.perform(warp.args, std::popcount(warp.lanes));
  watch_shared_memory(true);
  warp.arrived = 0;
  warp.ready = warp.lanes;
  ready_warps_ |= 1u << warp_of(self);
  if (random_.next() % kCollectivesPerChange == 0) {
    // This thread stays ready and makes room.
    Thread& next = *threads_[static_cast<size_t>(random_.pick(ready_warps_)) * kLanes];
    const size_t other = warp_of(next);
    Thread& lane =
        *threads_[other * kLanes + static_cast<size_t>(random_.pick(warps_[other].ready))];
    if (&lane != &self) enter(lane, /*last=*/false);
  }
}

Actor Machine::actor() const {
  return {.thread = current_->number,
          .block_epoch = block_epoch_,
          .warp_epoch = warps_[warp_of(*current_)].epoch,
          .part_step = warps_[warp_of(*current_)].part_step};
}

void Machine::fault(const Text& what) {
  Text text;
  text << ThreadName{current_->number} << " " << what.c_str();
  leave(text.c_str());
}

// Nobody can go on: names a thread that waits, and one that it waits for in vain.
void Machine::report_stuck() {
  const Thread* waits = nullptr;
  for (int number = 0; number < threads_in_block_; ++number) {
    const Thread& thread = *threads_[static_cast<size_t>(number)];
    if (thread.phase == Phase::kInCollective) waits = &thread;
    if (waits == nullptr && thread.phase != Phase::kDone) waits = &thread;
  }
  const bool in_warp = waits->phase == Phase::kInCollective;
  const Thread* missing = nullptr;
  for (int number = 0; number < threads_in_block_; ++number) {
    const Thread& thread = *threads_[static_cast<size_t>(number)];
    if (in_warp && warp_of(thread) != warp_of(*waits)) continue;
    if (thread.phase != waits->phase || thread.site != waits->site) missing = &thread;
  }
  Text text;
  text << ThreadName{waits->number} << (in_warp ? " waits in " : " waits at the barrier")
       << (in_warp ? waits->waits->name : "") << " of " << waits->site;
  if (missing == nullptr) {
    const Part& part = parts_[static_cast<size_t>(waits->part)];
    text << " with " << part.arrived << " of " << part.threads << " threads";
    leave(text.c_str());
  }
  text << ", but " << ThreadName{missing->number};
  if (missing->phase == Phase::kDone) {
    text << " has returned";
  } else if (missing->phase == Phase::kInCollective) {
    text << " waits in " << missing->waits->name << " of " << missing->site;
  } else {
    text << " waits at the barrier of " << missing->site;
  }
  leave(text.c_str());
}

// Back to run(); no thread of the block goes on.
void Machine::leave(const char* fault) {
  fault_ = fault;
  Thread& self = *current_;
  Fiber::switch_to(self.fiber, main_, /*last=*/true);
  __builtin_unreachable();
}

}  // namespace

void run_grid(const Grid& grid) { machine().run(grid); }
Actor actor() { return machine().actor(); }
void fault(const Text& what) { machine().fault(what); }
void sync_block(Site site) { machine().sync_block(site); }
void sync_part(int number, int threads, Site site) { machine().sync_part(number, threads, site); }
bool is_behind(int warp, uint32_t part_step) { return machine().is_behind(warp, part_step); }
void collective(const Collective& kind, void* args, Site site) {
  machine().collective(kind, args, site);
}

void sync_warp(Site site) {
  static constexpr Collective kKind{"sync_warp", false,
                                    [](void**, int) { machine().start_warp_epoch(); }};
  collective(kKind, nullptr, site);
}

}  // namespace reel::cuda_host
