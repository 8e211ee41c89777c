// SPDX-License-Identifier: Apache-2.0
// Signatures and codes: NVIDIA's NCCL user guide, "API" and "Point-to-point communication".
#include "comm/nccl_ranks.h"

#include <dlfcn.h>

#include <atomic>
#include <utility>
#include <vector>

#include "base/error.h"

namespace reel::comm {
namespace {

using Result = int;
constexpr Result kSuccess = 0;
constexpr int kBytes = 0;  // ncclInt8

// ncclUniqueId: what ranks of one group have in common.
struct UniqueId {
  char internal[128];
};

class Library {
 public:
  explicit Library(const std::string& name) : handle_(dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    REEL_REQUIRE(handle_ != nullptr, kUnsupported,
                 str_cat("NCCL (\"", name, "\") cannot be opened: ", dlerror()),
                 "Install NVIDIA's libnccl2, or leave REEL_NCCL unset.");
    try {
      find(name, "ncclGetUniqueId", get_unique_id);
      find(name, "ncclCommInitRank", init_rank);
      find(name, "ncclCommDestroy", destroy);
      find(name, "ncclCommAbort", abort);
      find(name, "ncclGroupStart", group_start);
      find(name, "ncclGroupEnd", group_end);
      find(name, "ncclSend", send);
      find(name, "ncclRecv", receive);
      find(name, "ncclGetErrorString", words);
    } catch (...) {
      dlclose(handle_);
      throw;
    }
  }
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void check(Result result, const char* what) const {
    REEL_REQUIRE(result == kSuccess, kDeviceFailure,
                 str_cat("NCCL fails at ", what, ": ", words(result), '.'));
  }

  Result (*get_unique_id)(UniqueId*) = nullptr;
  Result (*init_rank)(void** communicator, int size, UniqueId, int rank) = nullptr;
  Result (*destroy)(void*) = nullptr;
  Result (*abort)(void*) = nullptr;
  Result (*group_start)() = nullptr;
  Result (*group_end)() = nullptr;
  Result (*send)(const void*, size_t, int type, int to, void* communicator, void* stream) = nullptr;
  Result (*receive)(void*, size_t, int type, int from, void* communicator, void* stream) = nullptr;
  const char* (*words)(Result) = nullptr;

 private:
  template <typename Function>
  void find(const std::string& name, const char* symbol, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(handle_, symbol));
    REEL_REQUIRE(function != nullptr, kUnsupported,
                 str_cat("NCCL (\"", name, "\") has no ", symbol, "; 2.7 or newer is needed."),
                 "Install a newer libnccl2, or leave REEL_NCCL unset.");
  }

  void* const handle_;
};

}  // namespace

class NcclRanks::Impl {
 public:
  Impl(int size, const std::string& library) : library_(library) {
    library_.check(library_.get_unique_id(&id_), "making a group");
    for (int rank = 0; rank < size; ++rank) {
      ranks_.push_back(std::make_unique<Rank>(*this, rank, size));
    }
  }
  ~Impl() {
    for (const auto& rank : ranks_) rank->leave(library_.destroy);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Communicator& join(int rank) {
    Rank& joining = *ranks_.at(static_cast<size_t>(rank));
    joining.join();
    return joining;
  }

  void give_up() {
    given_up_ = true;
    // What waits on a GPU ends too.
    for (const auto& rank : ranks_) rank->leave(library_.abort);
  }

 private:
  class Rank : public Communicator {
   public:
    Rank(Impl& all, int rank, int size) : all_(all), rank_(rank), size_(size) {}

    int rank() const override { return rank_; }
    int size() const override { return size_; }
    void give_up() override { all_.give_up(); }

    void join() {
      void* joined = nullptr;
      const Library& nccl = all_.library_;
      nccl.check(nccl.init_rank(&joined, size_, all_.id_, rank_), "joining a group");
      handle_ = joined;
    }

    void leave(Result (*how)(void*)) {
      if (void* const joined = handle_.exchange(nullptr)) how(joined);
    }

    void all_to_all(const std::vector<Piece>& send, const std::vector<Piece>& receive,
                    MemorySpace& memory, Stream stream) override {
      const Library& nccl = all_.library_;
      const auto own = static_cast<size_t>(rank_);
      memory.copy(receive[own].data, send[own].data, send[own].size_bytes, stream);
      void* const joined = handle_;
      REEL_REQUIRE(!all_.given_up_ && joined != nullptr, kCancelled,
                   "Another rank of this clip gave up.");
      nccl.check(nccl.group_start(), "beginning an exchange");
      Result result = kSuccess;
      const auto keep = [&](Result one) { result = result == kSuccess ? one : result; };
      for (int other = 0; other < size_; ++other) {
        const Piece& to = send[static_cast<size_t>(other)];
        const Piece& from = receive[static_cast<size_t>(other)];
        if (other == rank_) continue;
        if (to.size_bytes > 0) {
          keep(nccl.send(to.data, to.size_bytes, kBytes, other, joined, stream.handle));
        }
        if (from.size_bytes > 0) {
          keep(nccl.receive(from.data, from.size_bytes, kBytes, other, joined, stream.handle));
        }
      }
      keep(nccl.group_end());
      REEL_REQUIRE(!all_.given_up_, kCancelled, "Another rank of this clip gave up.");
      nccl.check(result, "an exchange");
    }

   private:
    Impl& all_;
    const int rank_, size_;
    std::atomic<void*> handle_ = nullptr;
  };

  const Library library_;
  UniqueId id_{};
  std::atomic<bool> given_up_ = false;
  std::vector<std::unique_ptr<Rank>> ranks_;
};

NcclRanks::NcclRanks(int size, const std::string& library)
    : impl_(std::make_unique<Impl>(size, library)) {}
NcclRanks::~NcclRanks() = default;

Communicator& NcclRanks::join(int rank) { return impl_->join(rank); }
void NcclRanks::give_up() { impl_->give_up(); }

}  // namespace reel::comm
