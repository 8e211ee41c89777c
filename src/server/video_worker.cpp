// SPDX-License-Identifier: Apache-2.0
// The thread of VideoService that makes clips, one after the other.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "server/http/job_id.h"
#include "server/video_service.h"

namespace reel::server {
namespace {

// Below the threads that answer requests; threads that this one starts inherit it.
constexpr int kNice = 10;
// A clip that takes the server with it so often is not tried again.
constexpr int kMostAttempts = 3;

double seconds_between(int64_t from_ms, int64_t to_ms) {
  return static_cast<double>(to_ms - from_ms) / 1000;
}

// What a client may know: what it can change. The rest is for whoever runs the server.
bool is_about_the_request(ErrorCode code) {
  return code == ErrorCode::kInvalidArgument || code == ErrorCode::kOutOfMemory ||
         code == ErrorCode::kUnsupported;
}

}  // namespace

void VideoService::work() {
  // Of this thread alone, as Linux has it; where it is refused, clips are made all the same.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
  while (wait_for_work()) {
    try {
      const std::optional<Job> job = begin_next();
      if (job) run(*job);
    } catch (const Error& error) {
      // Of the job list: it holds what was committed, and the next server goes on from there.
      log(LogLevel::kError,
          str_cat("A clip is left to the next server: ", error.what(), ' ', error.hint()));
    }
    const std::lock_guard lock(mutex_);
    current_.reset();
    changed();
  }
}

bool VideoService::wait_for_work() {
  std::unique_lock lock(mutex_);
  const auto is_due = [this] { return ends_ || queue_.size() > 0; };
  while (!work_there_.wait_for(lock, std::chrono::duration<double>(options_.idle_s), is_due)) {
    maker_.release();
    is_warm_ = false;
  }
  return !ends_;
}

std::optional<Job> VideoService::begin_next() {
  const std::lock_guard lock(mutex_);
  const std::optional<int64_t> sequence = queue_.pop();
  std::optional<Job> job = sequence ? store_.find(*sequence) : std::nullopt;
  if (!job) return job;
  if (job->attempts >= kMostAttempts) {
    end(*job, JobState::kFailed, "server_stopped",
        str_cat("The server stopped ", job->attempts, " times while it made this clip."));
    return std::nullopt;
  }
  job->started_ms = unix_ms();
  store_.set_started(job->sequence, job->started_ms);
  const auto save_job = [this, at = job->sequence](const std::string& saved) {
    const std::lock_guard saving(mutex_);
    store_.set_saved_job(at, saved);
  };
  current_ =
      Current{.sequence = job->sequence,
              .live = std::make_unique<LiveJob>([this] { changed(); }, save_job, job->look_after)};
  is_warm_ = true;
  changed();
  return job;
}

void VideoService::run(const Job& job) {
  LiveJob& live = *current_->live;  // this thread alone replaces it
  try {
    finish(job, maker_.make(job, folder_.places(job.sequence), live));
  } catch (const Error& error) {
    give_up(job, error);
  } catch (const std::exception& error) {
    give_up(job, Error(ErrorCode::kInternal, error.what()));
  }
}

// True when the clip was stopped, or is no longer wanted: it is dealt with then.
bool VideoService::was_stopped(const Job& job) {
  const std::string saved = current_->live->saved_job();
  switch (current_->stop) {
    case Stop::kNone: return false;
    case Stop::kShutdown: store_.set_queued(job.sequence); return true;
    case Stop::kDiscard:
      if (!saved.empty()) forget_job(saved);
      folder_.remove_all(job.sequence);
      return true;
  }
  return false;
}

void VideoService::finish(const Job& job, const VideoResult& result) {
  const std::lock_guard lock(mutex_);
  // A clip that is complete when the server stops is kept.
  if (current_->stop == Stop::kDiscard && was_stopped(job)) return;
  std::error_code error;
  Job done = job;
  done.completed_ms = unix_ms();
  done.frames_digest = result.frames_digest;
  done.recipe = result.recipe_json;
  done.file_bytes = std::filesystem::file_size(result.path, error);
  store_.set_completed(done);
  const double took_s = seconds_between(job.started_ms, done.completed_ms);
  clip_s_ = totals_.completed == 0 ? took_s : 0.8 * clip_s_ + 0.2 * took_s;
  ++totals_.completed;
  totals_.making_s += took_s;
  log_info(str_cat(job.id, ": ", result.frames, " frames in ", took_s, " s"));
  keep_quota(job.sequence);
}

void VideoService::give_up(const Job& job, const Error& error) {
  const std::lock_guard lock(mutex_);
  if (was_stopped(job)) return;
  if (error.code() == ErrorCode::kCancelled && current_->live->is_to_be_held()) return hold(job);
  const std::string code = error_code_name(error.code());
  log(LogLevel::kWarning, str_cat(job.id, ": ", error.what(), ' ', error.hint()));
  const bool may_tell = is_about_the_request(error.code());
  const std::string message =
      may_tell ? std::string(error.what())
               : str_cat("The server could not make this clip (", code, "); its log says why.");
  end(job, JobState::kFailed, code, message);
  // Nobody can ask for the rest of a failed clip.
  const std::string saved = current_->live->saved_job();
  if (!saved.empty()) forget_job(saved);
  if (error.code() == ErrorCode::kDeviceFailure) maker_.release();
}

// As many are held as may wait; the oldest make room.
void VideoService::hold(const Job& job) {
  store_.set_held(job.sequence, job.spent_ms + unix_ms() - job.started_ms);
  for (const Job& oldest : store_.held_beyond(options_.most_waiting)) {
    store_.set_ended(oldest.sequence, JobState::kCancelled, unix_ms(), "cancelled",
                     "The clip was held after its first steps, and others took its place.");
    ++totals_.cancelled;
    forget_job(oldest.saved_job);
    folder_.remove_all(oldest.sequence);
  }
}

void VideoService::end(const Job& job, JobState state, const std::string& code,
                       const std::string& message) {
  store_.set_ended(job.sequence, state, unix_ms(), code, message);
  folder_.remove_all(job.sequence);
  ++totals_.failed;
}

// The newest clip stays, whatever its size.
void VideoService::keep_quota(int64_t newest) {
  while (store_.file_bytes() > options_.most_file_bytes) {
    const std::optional<Job> oldest = store_.oldest_file();
    if (!oldest || oldest->sequence == newest) break;
    folder_.remove_clip(oldest->sequence);
    store_.set_file_removed(oldest->sequence);
  }
  for (const Job& job : store_.remove_history_beyond(options_.most_history)) {
    folder_.remove_all(job.sequence);
  }
}

}  // namespace reel::server
