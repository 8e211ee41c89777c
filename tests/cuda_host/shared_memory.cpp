// SPDX-License-Identifier: Apache-2.0
#include "cuda_host/shared_memory.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "cuda_host/warps.h"

#if defined(__SANITIZE_ADDRESS__)
#define REEL_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REEL_ASAN
#endif
#endif
#ifdef REEL_ASAN
#include <sanitizer/asan_interface.h>
extern "C" void __sanitizer_symbolize_pc(void* pc, const char* format, char* text, size_t bytes);
#endif

namespace reel::cuda_host {

WatchedBytes watched;

namespace {

// Behind what a block asked for: must still hold its pattern when the block ends.
constexpr size_t kFenceBytes = 128;
constexpr unsigned char kFence = 0xa5;

// Where an access stands in the source: a Site, or the address of an instruction.
class Place {
 public:
  Place() = default;
  explicit Place(Site site)
      : bits_(kIsSite | static_cast<uint64_t>(reinterpret_cast<uintptr_t>(site.file)) << 15 |
              (static_cast<uint64_t>(site.line) & 0x7fffu)) {}
  explicit Place(const void* pc) : bits_(reinterpret_cast<uintptr_t>(pc)) {}

  friend Text& operator<<(Text& text, Place place) {
    if ((place.bits_ & kIsSite) != 0) {
      const auto file = static_cast<uintptr_t>((place.bits_ & ~kIsSite) >> 15);
      return text << Site{reinterpret_cast<const char*>(file),
                          static_cast<int>(place.bits_ & 0x7fffu)};
    }
#ifdef REEL_ASAN
    char line[512] = "";
    __sanitizer_symbolize_pc(reinterpret_cast<void*>(place.bits_), "%s:%l", line, sizeof line);
    const char* slash = std::strrchr(line, '/');
    return text << (slash != nullptr ? slash + 1 : line);
#else
    char address[24];
    std::snprintf(address, sizeof address, "0x%llx", static_cast<unsigned long long>(place.bits_));
    return text << "instruction " << address;
#endif
  }

 private:
  static constexpr uint64_t kIsSite = uint64_t{1} << 63;
  uint64_t bits_ = 0;
};

struct Access {
  Actor by;
  Place at;
};

// What happened to a byte. An access of an earlier block_epoch does not count any more.
struct Byte {
  Access write;
  Access read;   // the last one
  Access other;  // one by another thread, of another warp if there was one
  bool write_was_atomic = false;
  bool in_flight = false;
};

struct Copy {
  size_t to;
  unsigned char bytes[16];
};

// The cp.async copies of a thread, oldest group first; the last group is not committed yet.
struct Copies {
  std::vector<std::vector<Copy>> groups{1};
};

struct Arena {
  alignas(128) unsigned char bytes[kMostSharedBytes + kFenceBytes];
  Byte shadow[kMostSharedBytes];
  size_t used = 0;
  std::vector<Copies> copies;
};

Arena& arena() {
  static const auto arena = std::make_unique<Arena>();
  return *arena;
}

bool in_arena(const void* at) {
  const auto* byte = static_cast<const unsigned char*>(at);
  return byte >= arena().bytes && byte < arena().bytes + arena().used;
}

size_t offset_of(const void* at) {
  return static_cast<size_t>(static_cast<const unsigned char*>(at) - arena().bytes);
}

// 0x7fff, again and again.
void poison(size_t offset, size_t bytes) {
  for (size_t at = offset; at < offset + bytes; ++at) {
    arena().bytes[at] = at % 2 == 0 ? 0xff : 0x7f;
  }
}

bool ordered(const Actor& before, const Actor& now) {
  if (before.block_epoch != now.block_epoch || before.thread == now.thread) return true;
  if (before.warp() == now.warp()) return before.warp_epoch != now.warp_epoch;
  return is_behind(before.warp(), before.part_step);
}

enum class Kind { kRead, kWrite, kAtomic };

[[noreturn]] void report_race(size_t offset, const Access& now, Kind kind, const Access& before,
                              bool before_wrote) {
  Text text;
  if (now.by.thread != actor().thread) {
    text << "acts for " << ThreadName{now.by.thread} << ", which ";
  }
  text << (kind == Kind::kRead ? "reads" : "writes") << " byte " << offset
       << " of shared memory at " << now.at << ", which " << ThreadName{before.by.thread}
       << (before_wrote ? " wrote" : " read") << " at " << before.at << ", with no barrier between";
  fault(text);
}

void check_byte(size_t offset, const Access& now, Kind kind) {
  Byte& byte = arena().shadow[offset];
  if (byte.in_flight) {
    Text text;
    text << (kind == Kind::kRead ? "reads" : "writes") << " byte " << offset
         << " of shared memory at " << now.at << " while the cp.async of "
         << ThreadName{byte.write.by.thread} << " at " << byte.write.at
         << " is in flight: no cp_async_wait has ended it";
    fault(text);
  }
  const bool both_atomic = kind == Kind::kAtomic && byte.write_was_atomic;
  if (!both_atomic && !ordered(byte.write.by, now.by)) {
    report_race(offset, now, kind, byte.write, true);
  }
  if (kind == Kind::kRead) {
    const bool fresh = byte.read.by.block_epoch == now.by.block_epoch;
    const bool keep = byte.other.by.block_epoch == now.by.block_epoch &&
                      byte.other.by.warp() != now.by.warp() && byte.read.by.warp() == now.by.warp();
    if (fresh && byte.read.by.thread != now.by.thread && !keep) byte.other = byte.read;
    byte.read = now;
    return;
  }
  for (const Access* read : {&byte.read, &byte.other}) {
    if (!ordered(read->by, now.by)) report_race(offset, now, kind, *read, false);
  }
  byte.write = now;
  byte.write_was_atomic = kind == Kind::kAtomic;
}

void check(const void* at, size_t bytes, const Access& now, Kind kind) {
  const size_t first = offset_of(at);
  const size_t end = std::min(first + bytes, arena().used);
  for (size_t offset = first; offset < end; ++offset) check_byte(offset, now, kind);
}

void require_row(const char* who, const void* at, Site site) {
  if (reinterpret_cast<uintptr_t>(at) % 16 != 0) {
    fault(Text() << "calls " << who << " at " << site
                 << " with an address that is no multiple of 16");
  }
  if (!in_arena(at) || offset_of(at) + 16 > arena().used) {
    fault(Text() << "calls " << who << " at " << site << " with an address outside the block's "
                 << arena().used << " bytes of shared memory (offset "
                 << int64_t{static_cast<const unsigned char*>(at) - arena().bytes} << ")");
  }
}

void land(const Copy& copy, const Access& now) {
  for (size_t at = copy.to; at < copy.to + 16; ++at) {
    arena().shadow[at].in_flight = false;
    check_byte(at, now, Kind::kWrite);
  }
  std::memcpy(arena().bytes + copy.to, copy.bytes, 16);
}

void forget_copies() {
  for (Copies& copies : arena().copies) {
    for (const auto& group : copies.groups) {
      for (const Copy& copy : group) {
        for (size_t at = copy.to; at < copy.to + 16; ++at) arena().shadow[at].in_flight = false;
      }
    }
    copies = {};
  }
}

template <typename T, typename Change>
T atomic(T* at, Site site, Change change) {
  if (in_arena(at)) check(at, sizeof(T), {actor(), Place(site)}, Kind::kAtomic);
  const T before = *at;
  *at = change(before);
  return before;
}

}  // namespace

void begin_shared_memory(size_t bytes, int threads) {
  Arena& memory = arena();
#ifdef REEL_ASAN
  __asan_unpoison_memory_region(memory.bytes, sizeof memory.bytes);
#endif
  forget_copies();
  memory.used = bytes;
  watched.begin = memory.bytes;
  memory.copies.resize(static_cast<size_t>(threads));
  poison(0, bytes);
  std::memset(memory.bytes + bytes, kFence, kFenceBytes);
#ifdef REEL_ASAN
  __asan_poison_memory_region(memory.bytes + bytes, sizeof memory.bytes - bytes);
#endif
}

std::string end_shared_memory() {
  Arena& memory = arena();
#ifdef REEL_ASAN
  __asan_unpoison_memory_region(memory.bytes, sizeof memory.bytes);
#endif
  const unsigned char* fence = memory.bytes + memory.used;
  if (std::all_of(fence, fence + kFenceBytes, [](unsigned char c) { return c == kFence; })) {
    return {};
  }
  return "a thread wrote behind the " + std::to_string(memory.used) +
         " bytes of shared memory that the launch asked for";
}

void abandon_shared_memory() { forget_copies(); }

void* shared_memory(size_t bytes) {
  if (bytes > arena().used) {
    fault(Text() << "takes " << bytes << " bytes of shared memory, but the launch asked for "
                 << arena().used);
  }
  return arena().bytes;
}

void read_matrix_row(const void* at, int row, bool transposed, Site site) {
  require_row("ldmatrix", at, site);
  Access access{actor(), Place(site)};
  const int warp_begin = access.by.thread / kLanes * kLanes;
  for (int i = 0; i < 16; ++i) {
    const int lane = transposed ? i / 2 * 4 + row / 2 : row * 4 + i / 4;
    access.by.thread = static_cast<uint16_t>(warp_begin + lane);
    check_byte(offset_of(at) + static_cast<size_t>(i), access, Kind::kRead);
  }
}

void watch_shared_memory(bool on) { watched.size = on ? arena().used : 0; }

void plain_shared_access(const void* at, size_t bytes, bool writes, const void* pc) {
  check(at, bytes, {actor(), Place(pc)}, writes ? Kind::kWrite : Kind::kRead);
}

void cp_async_16(void* shared, const void* global, bool valid, Site site) {
  require_row("cp_async_16", shared, site);
  Copy copy{.to = offset_of(shared), .bytes = {}};
  if (valid) {
    if (reinterpret_cast<uintptr_t>(global) % 16 != 0) {
      fault(Text() << "calls cp_async_16 at " << site
                   << " from an address that is no multiple of 16");
    }
    std::memcpy(copy.bytes, global, 16);  // now, so that a bad address is reported here
  }
  check(shared, 16, {actor(), Place(site)}, Kind::kWrite);
  for (size_t at = copy.to; at < copy.to + 16; ++at) arena().shadow[at].in_flight = true;
  poison(copy.to, 16);
  arena().copies[actor().thread].groups.back().push_back(copy);
}

void cp_async_commit() { arena().copies[actor().thread].groups.emplace_back(); }

void cp_async_wait(int pending, Site site) {
  auto& groups = arena().copies[actor().thread].groups;
  const Access now{actor(), Place(site)};
  while (static_cast<int>(groups.size()) - 1 > pending) {
    for (const Copy& copy : groups.front()) land(copy, now);
    groups.erase(groups.begin());
  }
}

int32_t atomic_max(int32_t* at, int32_t value, Site site) {
  return atomic(at, site, [&](int32_t before) { return std::max(before, value); });
}

int32_t atomic_add(int32_t* at, int32_t value, Site site) {
  return atomic(at, site, [&](int32_t before) {
    return static_cast<int32_t>(static_cast<uint32_t>(before) + static_cast<uint32_t>(value));
  });
}

void atomic_max_positive(float* at, float value, Site site) {
  atomic(at, site, [&](float before) {
    return std::bit_cast<int32_t>(value) > std::bit_cast<int32_t>(before) ? value : before;
  });
}

}  // namespace reel::cuda_host
