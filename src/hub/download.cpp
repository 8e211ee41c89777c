// SPDX-License-Identifier: Apache-2.0
#include "hub/download.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <list>
#include <map>

#include "base/error.h"
#include "base/thread_worker.h"

namespace reel::hub {
namespace {

using Clock = FileDownload::Clock;
using std::chrono::milliseconds;

constexpr milliseconds kDownloadTick{100};
constexpr auto kSaveEvery = std::chrono::seconds(2);

// A file whose bytes are all there, on its way through the digest.
struct Check {
  std::string digest;
  std::exception_ptr error;
  std::atomic<bool> is_done{false};
};

struct Open {
  Open(const WantedFile& wanted, const DownloadOptions& options)
      : download(wanted, options.connections, options.retry, options.token) {}
  FileDownload download;
  std::unique_ptr<Check> check;
};

class Run {
 public:
  Run(HttpClient& http, std::span<const WantedFile> files, const DownloadOptions& options,
      const StopFlag& stop, const DownloadWatcher& watch)
      : http_(http), files_(files), options_(options), stop_(stop), watch_(watch) {
    progress_.files = files.size();
    for (const WantedFile& file : files) progress_.total_bytes += file.size_bytes;
  }
  // Whatever happened: what has arrived is written down.
  ~Run() {
    checks_stop_.request();
    for (const auto& [id, active] : active_) http_.cancel(id);
    for (Open& open : open_) save(open);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  uint64_t go();

 private:
  struct Active {
    Open* open;
    size_t part;
  };

  void fill();
  Open* next_to_work_on(Clock::time_point now, size_t& part);
  void take(const HttpOutcome& outcome);
  void drop_requests_of(const Open& open);
  void start_check(Open& open);
  void finish_checks();
  static void save(Open& open) noexcept;
  void save_now_and_then();
  void tell();

  HttpClient& http_;
  std::span<const WantedFile> files_;
  const DownloadOptions& options_;
  const StopFlag& stop_;
  const DownloadWatcher& watch_;
  DownloadProgress progress_;
  uint64_t finished_bytes_ = 0;
  size_t begun_ = 0;  // files that were opened
  std::list<Open> open_;
  std::map<uint64_t, Active> active_;
  Clock::time_point quiet_until_{};
  Clock::time_point saved_ = Clock::now();
  StopFlag checks_stop_;
  ThreadWorker checker_{64};  // last: it ends before what it writes to
};

uint64_t Run::go() {
  while (begun_ < files_.size() || !open_.empty()) {
    stop_.check();
    fill();
    for (const HttpOutcome& outcome : http_.poll(kDownloadTick)) take(outcome);
    finish_checks();
    save_now_and_then();
    tell();
  }
  return progress_.fetched_bytes;
}

// A part of a file that is open, else of the next one.
Open* Run::next_to_work_on(Clock::time_point now, size_t& part) {
  for (Open& open : open_) {
    if (open.check) continue;
    if (const auto next = open.download.next_part(now)) {
      part = *next;
      return &open;
    }
  }
  return nullptr;
}

void Run::fill() {
  const auto now = Clock::now();
  while (active_.size() < static_cast<size_t>(options_.connections) && now >= quiet_until_) {
    size_t part = 0;
    if (Open* open = next_to_work_on(now, part)) {
      HttpRequest request = open->download.request(part);
      request.on_body = [this, inner = std::move(request.on_body)](auto bytes) {
        progress_.fetched_bytes += bytes.size();
        return inner(bytes);
      };
      active_[http_.start(std::move(request))] = {open, part};
      continue;
    }
    // Not all at once: an open file holds a lock and a descriptor.
    if (begun_ == files_.size() || open_.size() >= 2 * static_cast<size_t>(options_.connections)) {
      return;
    }
    Open& open = open_.emplace_back(files_[begun_++], options_);
    progress_.file = open.download.file().name;
    if (open.download.is_complete()) start_check(open);
  }
}

void Run::take(const HttpOutcome& outcome) {
  const auto at = active_.find(outcome.id);
  if (at == active_.end()) return;
  const Active active = at->second;
  active_.erase(at);
  FileDownload& download = active.open->download;
  const milliseconds quiet = download.ended(active.part, outcome);
  if (quiet.count() > 0) quiet_until_ = std::max(quiet_until_, Clock::now() + quiet);
  if (download.take_restart()) drop_requests_of(*active.open);
  if (download.is_complete() && !download.has_running()) start_check(*active.open);
}

void Run::drop_requests_of(const Open& open) {
  std::erase_if(active_, [&](const auto& one) {
    if (one.second.open != &open) return false;
    http_.cancel(one.first);
    return true;
  });
}

void Run::start_check(Open& open) {
  open.download.partial().save();
  open.check = std::make_unique<Check>();
  checker_.submit([check = open.check.get(), path = open.download.file().place.partial,
                   kind = open.download.file().id.kind, stop = &checks_stop_] {
    try {
      check->digest = hash_file(path, kind, *stop);
    } catch (...) {
      check->error = std::current_exception();
    }
    check->is_done.store(true, std::memory_order_release);
  });
}

void Run::finish_checks() {
  for (auto at = open_.begin(); at != open_.end();) {
    if (!at->check || !at->check->is_done.load(std::memory_order_acquire)) {
      ++at;
      continue;
    }
    const WantedFile& file = at->download.file();
    if (at->check->error) std::rethrow_exception(at->check->error);
    const std::string digest = at->check->digest;
    at->check.reset();
    if (digest != file.id.hex) {
      at->download.restart_after_mismatch(digest);
      ++at;
      continue;
    }
    at->download.partial().commit();
    finished_bytes_ += file.size_bytes;
    ++progress_.files_done;
    at = open_.erase(at);
  }
}

void Run::save(Open& open) noexcept {
  try {
    if (open.download.done_bytes() > 0) open.download.partial().save();
  } catch (const std::exception&) {  // the disk is full: then it is fetched again
  }
}

void Run::save_now_and_then() {
  if (Clock::now() - saved_ < kSaveEvery) return;
  for (Open& open : open_) save(open);
  saved_ = Clock::now();
}

void Run::tell() {
  progress_.done_bytes = finished_bytes_;
  progress_.is_checking = !open_.empty() && begun_ == files_.size();
  for (const Open& open : open_) {
    progress_.done_bytes += open.download.done_bytes();
    if (!open.check) progress_.is_checking = false;
  }
  if (progress_.is_checking) progress_.file = open_.front().download.file().name;
  if (watch_) watch_(progress_);
}

}  // namespace

uint64_t download(HttpClient& http, std::span<const WantedFile> files,
                  const DownloadOptions& options, const StopFlag& stop,
                  const DownloadWatcher& watch) {
  return Run(http, files, options, stop, watch).go();
}

}  // namespace reel::hub
