// SPDX-License-Identifier: Apache-2.0
#include "comm/thread_ranks.h"

#include <condition_variable>
#include <mutex>

#include "base/error.h"

namespace reel::comm {
namespace {

// Where all ranks wait for one another, again and again.
class MeetingPoint {
 public:
  explicit MeetingPoint(int ranks) : ranks_(ranks) {}

  // Returns when every rank has come. Throws kCancelled when one never will.
  void meet() {
    std::unique_lock lock(mutex_);
    const uint64_t meeting = meeting_;
    if (++here_ == ranks_) {
      here_ = 0;
      ++meeting_;
      lock.unlock();
      all_here_.notify_all();
      return;
    }
    all_here_.wait(lock, [&] { return meeting_ != meeting || given_up_; });
    if (meeting_ == meeting) fail(ErrorCode::kCancelled, "Another rank of this clip gave up.");
  }

  void give_up() {
    {
      const std::lock_guard lock(mutex_);
      given_up_ = true;
    }
    all_here_.notify_all();
  }

 private:
  const int ranks_;
  std::mutex mutex_;
  std::condition_variable all_here_;
  int here_ = 0;
  uint64_t meeting_ = 0;
  bool given_up_ = false;
};

// Of this thread's work in turn; null for other work.
thread_local std::unique_lock<std::mutex>* held_turn = nullptr;

// Lets others have the turn, where this thread holds it, until the end of a scope.
class TurnPause {
 public:
  TurnPause() {
    if (held_turn != nullptr) held_turn->unlock();
  }
  ~TurnPause() {
    if (held_turn != nullptr) held_turn->lock();
  }
  TurnPause(const TurnPause&) = delete;
  TurnPause& operator=(const TurnPause&) = delete;
};

// What every rank sees of the others between two meetings.
struct Table {
  explicit Table(int ranks) : sent(static_cast<size_t>(ranks)), point(ranks) {}
  std::vector<std::vector<Piece>> sent;  // by each rank
  MeetingPoint point;
};

class ThreadRank : public Communicator {
 public:
  ThreadRank(Table& table, int rank) : table_(table), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(table_.sent.size()); }
  void give_up() override { table_.point.give_up(); }

  void all_to_all(const std::vector<Piece>& send, const std::vector<Piece>& receive,
                  MemorySpace& memory, Stream stream) override {
    const TurnPause pause;
    table_.sent[static_cast<size_t>(rank_)] = send;
    // The others' streams do not wait for this one.
    memory.wait(stream);
    table_.point.meet();
    for (size_t from = 0; from < receive.size(); ++from) {
      const Piece& piece = table_.sent[from].at(static_cast<size_t>(rank_));
      REEL_REQUIRE(piece.size_bytes == receive[from].size_bytes, kInternal,
                   str_cat("Rank ", from, " sends ", piece.size_bytes, " bytes to rank ", rank_,
                           ", which expects ", receive[from].size_bytes, '.'));
      memory.copy(receive[from].data, piece.data, piece.size_bytes, stream);
    }
    memory.wait(stream);
    table_.point.meet();
  }

 private:
  Table& table_;
  const int rank_;
};

}  // namespace

struct ThreadRanks::Impl {
  explicit Impl(int size) : table(size) {
    for (int rank = 0; rank < size; ++rank) ranks.push_back({table, rank});
  }
  Table table;
  std::vector<ThreadRank> ranks;
  std::mutex turn;
};

ThreadRanks::ThreadRanks(int size) : impl_(std::make_unique<Impl>(size)) {}
ThreadRanks::~ThreadRanks() = default;

int ThreadRanks::size() const { return static_cast<int>(impl_->ranks.size()); }
Communicator& ThreadRanks::rank(int rank) { return impl_->ranks.at(static_cast<size_t>(rank)); }
void ThreadRanks::give_up() { impl_->table.point.give_up(); }

void ThreadRanks::in_turn(const std::function<void()>& work) {
  std::unique_lock lock(impl_->turn);
  held_turn = &lock;
  try {
    work();
  } catch (...) {
    held_turn = nullptr;
    throw;
  }
  held_turn = nullptr;
}

}  // namespace reel::comm
