// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/transfers.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <random>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/thread_group.h"
#include "core/buffer.h"

namespace reel::pipeline {
namespace fs = std::filesystem;
namespace {

constexpr size_t kUploadBytes = size_t{64} << 20;
constexpr int kUploads = 16;

// As the streamer reads.
constexpr int kReaders = 4;
constexpr size_t kRequestBytes = size_t{4} << 20;
constexpr uint64_t kMostReadBytes = uint64_t{1} << 30;
constexpr uint64_t kMadeFileBytes = uint64_t{512} << 20;

class PinnedBytes {
 public:
  PinnedBytes(CopyEngine& engine, size_t size)
      : engine_(engine), data_(engine.allocate_pinned(size, "benchmark data")) {}
  ~PinnedBytes() { engine_.free_pinned(data_); }
  PinnedBytes(const PinnedBytes&) = delete;
  PinnedBytes& operator=(const PinnedBytes&) = delete;
  std::byte* data() const { return data_; }

 private:
  CopyEngine& engine_;
  std::byte* data_;
};

// A file that is gone at the end of a scope. Random bytes: nothing on the way can compress them.
class MadeFile {
 public:
  explicit MadeFile(const fs::path& folder)
      : path_(folder / ("bench-" + std::to_string(::getpid()))) {
    std::vector<uint64_t> words(kRequestBytes / sizeof(uint64_t));
    std::mt19937_64 random(1);  // NOLINT: the same bytes each time are as good
    std::generate(words.begin(), words.end(), random);
    OutputFile file(path_);
    for (uint64_t at = 0; at < kMadeFileBytes; at += kRequestBytes) {
      words[0] = at;
      file.write(std::as_bytes(std::span(words)));
    }
    file.commit();
  }
  ~MadeFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  MadeFile(const MadeFile&) = delete;
  MadeFile& operator=(const MadeFile&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Writes what is not on disk yet, and asks the system to keep nothing of the file in memory.
void forget(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fdatasync(descriptor);
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  ::close(descriptor);
}

// Bytes a second of reading the whole range once.
double read_rate(const fs::path& path, ReadMode mode) {
  const InputFile file(path);
  const uint64_t size = std::min(file.size_bytes(), kMostReadBytes);
  std::atomic<uint64_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  const auto start = std::chrono::steady_clock::now();
  {
    ThreadGroup readers;
    for (int reader = 0; reader < kReaders; ++reader) {
      readers.start([&] {
        try {
          const Buffer buffer(kRequestBytes + 3 * InputFile::kDirectBytes, "a read");
          const auto address = reinterpret_cast<uintptr_t>(buffer.data());
          const size_t skip = (InputFile::kDirectBytes - address % InputFile::kDirectBytes) %
                              InputFile::kDirectBytes;
          for (uint64_t at; (at = next.fetch_add(kRequestBytes)) < size;) {
            const auto part = static_cast<size_t>(std::min<uint64_t>(kRequestBytes, size - at));
            file.read_into(buffer.bytes().subspan(skip), at, part, mode);
          }
        } catch (...) {
          const std::lock_guard lock(mutex);
          error = std::current_exception();
        }
      });
    }
    readers.join();
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (error) std::rethrow_exception(error);
  return static_cast<double>(size) / taken.count();
}

}  // namespace

double upload_rate(CopyEngine& engine, MemorySpace& device) {
  const PinnedBytes from(engine, kUploadBytes);
  const Buffer to(device, kUploadBytes, "benchmark data");
  const OwnedEvent begin(engine);
  const OwnedEvent end(engine);
  engine.copy_to_device(to.data(), from.data(), kUploadBytes);
  engine.record(begin, engine.copy_stream());
  for (int copy = 0; copy < kUploads; ++copy) {
    engine.copy_to_device(to.data(), from.data(), kUploadBytes);
  }
  engine.record(end, engine.copy_stream());
  engine.wait_on_host(end);
  return kUploads * static_cast<double>(kUploadBytes) / engine.seconds_between(begin, end);
}

ReadRates read_rates(const std::optional<fs::path>& file, const fs::path& folder) {
  std::optional<MadeFile> made;
  if (!file) made.emplace(folder);
  const fs::path& path = file ? *file : made->path();
  ReadRates rates;
  forget(path);
  rates.disk_bytes = read_rate(path, ReadMode::kDirect);
  read_rate(path, ReadMode::kBuffered);
  rates.cache_bytes = read_rate(path, ReadMode::kBuffered);
  return rates;
}

}  // namespace reel::pipeline
