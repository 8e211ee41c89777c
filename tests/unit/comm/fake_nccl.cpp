// SPDX-License-Identifier: Apache-2.0
// A library that moves bytes between threads as NCCL does between their GPUs, for
// nccl_ranks_test.cpp: sends and receives of a group run when it ends, and wait for one another. A
// stream's handle counts what was submitted to it.
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace {

struct UniqueId {
  char internal[128];
};

struct Group;

struct Rank {
  Group* group;
  int rank;
};

struct Group {
  std::mutex mutex;
  std::condition_variable changed;
  int joined = 0;
  bool aborted = false;
  std::map<std::tuple<int, int>, std::vector<char>> mail;  // from, to
  std::deque<Rank> ranks;
};

struct Call {
  bool sends;
  void* data;
  size_t size_bytes;
  int other;
  Rank* rank;
};

constexpr int kSuccess = 0;
constexpr int kSystemError = 2;
constexpr int kInvalidUsage = 5;

std::deque<Group> groups;  // as long as the process, as a thread may be about to use one
thread_local std::vector<Call> calls;
thread_local int depth = 0;

bool fails(const char* at) {
  const char* const wanted = std::getenv("FAKE_NCCL_FAILS_AT");
  return wanted != nullptr && std::string(wanted) == at;
}

int add_call(const Call& call, int type, void* stream) {
  if (depth != 1 || type != 0 || call.size_bytes == 0) return kInvalidUsage;
  ++*static_cast<int*>(stream);
  calls.push_back(call);
  return kSuccess;
}

}  // namespace

extern "C" {

int ncclGetUniqueId(UniqueId* id) {
  if (fails("id")) return kSystemError;
  Group* const made = &groups.emplace_back();
  std::memcpy(id->internal, &made, sizeof made);
  return kSuccess;
}

int ncclCommInitRank(void** communicator, int size, UniqueId id, int rank) {
  Group* mine = nullptr;
  std::memcpy(&mine, id.internal, sizeof mine);
  std::unique_lock lock(mine->mutex);
  ++mine->joined;
  mine->changed.notify_all();
  mine->changed.wait(lock, [&] { return mine->joined == size; });
  *communicator = &mine->ranks.emplace_back(Rank{mine, rank});
  return kSuccess;
}

int ncclCommDestroy(void*) { return kSuccess; }

int ncclCommAbort(void* communicator) {
  Group* const mine = static_cast<Rank*>(communicator)->group;
  {
    const std::lock_guard lock(mine->mutex);
    mine->aborted = true;
  }
  mine->changed.notify_all();
  return kSuccess;
}

int ncclGroupStart() {
  ++depth;
  return kSuccess;
}

int ncclSend(const void* data, size_t size_bytes, int type, int to, void* rank, void* stream) {
  return add_call({true, const_cast<void*>(data), size_bytes, to, static_cast<Rank*>(rank)}, type,
                  stream);
}

int ncclRecv(void* data, size_t size_bytes, int type, int from, void* rank, void* stream) {
  return add_call({false, data, size_bytes, from, static_cast<Rank*>(rank)}, type, stream);
}

int ncclGroupEnd() {
  --depth;
  const std::vector<Call> all = std::exchange(calls, {});
  if (fails("exchange")) return kSystemError;
  for (const Call& call : all) {
    if (!call.sends) continue;
    Group& mine = *call.rank->group;
    std::unique_lock lock(mine.mutex);
    auto& mail = mine.mail[{call.rank->rank, call.other}];
    mine.changed.wait(lock, [&] { return mail.empty() || mine.aborted; });
    const char* const bytes = static_cast<const char*>(call.data);
    mail.assign(bytes, bytes + call.size_bytes);
    mine.changed.notify_all();
  }
  for (const Call& call : all) {
    if (call.sends) continue;
    Group& mine = *call.rank->group;
    std::unique_lock lock(mine.mutex);
    auto& mail = mine.mail[{call.other, call.rank->rank}];
    mine.changed.wait(lock, [&] { return !mail.empty() || mine.aborted; });
    if (mine.aborted) return kSuccess;  // as where a GPU was told to stop
    if (mail.size() != call.size_bytes) return kInvalidUsage;
    std::memcpy(call.data, mail.data(), mail.size());
    mail.clear();
    mine.changed.notify_all();
  }
  return kSuccess;
}

const char* ncclGetErrorString(int result) {
  return result == kSystemError ? "unhandled system error" : "invalid usage";
}

}  // extern "C"
