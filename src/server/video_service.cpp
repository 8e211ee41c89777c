// SPDX-License-Identifier: Apache-2.0
#include "server/video_service.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <utility>

#include "base/error.h"
#include "server/http/job_id.h"

namespace reel::server {

using std::chrono::milliseconds;

VideoService::VideoService(const ModelOptions& model, const ServiceOptions& options)
    : options_(options), folder_(options.data), maker_(model), store_(folder_.job_list()) {
  std::set<int64_t> unfinished;
  for (const Job& job : store_.take_unfinished()) {
    queue_.push(job.client, job.sequence);
    unfinished.insert(job.sequence);
  }
  folder_.remove_strays([&](int64_t sequence) {
    if (unfinished.contains(sequence)) return true;
    const std::optional<Job> job = store_.find(sequence);
    return job && (job->state == JobState::kCompleted || job->state == JobState::kHeld);
  });
  worker_ = std::thread([this] { work(); });
}

VideoService::~VideoService() {
  stop_waiting();
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    if (current_) stop_current(current_->sequence, Stop::kShutdown);
  }
  work_there_.notify_all();
  worker_.join();
}

JobView VideoService::create(const ClipRequest& request, const std::string& client,
                             std::vector<std::string>& warnings) {
  Job job;
  job.clip = maker_.check(request, warnings);
  job.look_after = request.look_after.value_or(0);
  REEL_REQUIRE(
      job.look_after <= job.clip.steps, kInvalidArgument,
      str_cat("look_after is ", job.look_after, "; the clip has ", job.clip.steps, " steps."));
  job.id = request.id.empty() ? new_job_id() : request.id;
  job.client = client;
  job.wanted_name = request.wanted_name.empty() ? job.id + ".mp4" : request.wanted_name;
  job.created_ms = unix_ms();
  const std::lock_guard lock(mutex_);
  require_room();
  store_.add(job);
  queue_.push(client, job.sequence);
  work_there_.notify_all();
  changed();
  return view_of(std::move(job), queue_.order());
}

void VideoService::require_room() {
  if (static_cast<int>(queue_.size()) < options_.most_waiting) return;
  ++totals_.refused;
  fail(ErrorCode::kBusy, str_cat("The queue is full: ", queue_.size(), " clips are waiting."),
       "Try again later.");
}

std::optional<JobView> VideoService::go_on(const std::string& id, const std::string& client) {
  const std::lock_guard lock(mutex_);
  std::optional<Job> job = owned(id, client);
  if (!job) return std::nullopt;
  if (job->state == JobState::kHeld) {
    require_room();
    store_.set_continued(job->sequence);
    queue_.push(job->client, job->sequence);
    job = store_.find(job->sequence);
    work_there_.notify_all();
    changed();
  }
  return view_of(*std::move(job), queue_.order());
}

std::optional<Job> VideoService::owned(const std::string& id, const std::string& client) {
  std::optional<Job> job = store_.find(id);
  if (job && !client.empty() && job->client != client) job.reset();
  return job;
}

std::optional<JobView> VideoService::find(const std::string& id, const std::string& client) {
  const std::lock_guard lock(mutex_);
  std::optional<Job> job = owned(id, client);
  if (!job) return std::nullopt;
  return view_of(*std::move(job), queue_.order());
}

std::optional<Job> VideoService::find_named(const std::string& wanted_name,
                                            const std::string& client) {
  if (wanted_name.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  std::vector<Job> jobs = store_.list({.client = client, .limit = 1, .wanted_name = wanted_name});
  if (jobs.empty()) return std::nullopt;
  return std::move(jobs.front());
}

std::vector<JobView> VideoService::list(const JobQuery& query) {
  const std::lock_guard lock(mutex_);
  const std::vector<int64_t> order = queue_.order();
  std::vector<JobView> views;
  for (Job& job : store_.list(query)) views.push_back(view_of(std::move(job), order));
  return views;
}

JobView VideoService::view_of(Job job, const std::vector<int64_t>& order) const {
  JobView view;
  if (job.state == JobState::kQueued) {
    const auto place = std::find(order.begin(), order.end(), job.sequence);
    view.ahead = static_cast<int>(place - order.begin()) + (current_ ? 1 : 0);
  }
  if (current_ && current_->sequence == job.sequence) {
    view.live = current_->live->state();
    view.previews = view.live->previews;
  } else if (job.state == JobState::kCompleted) {
    view.previews = job.clip.steps;
  } else if (job.state == JobState::kHeld) {
    view.previews = job.look_after;
  }
  view.job = std::move(job);
  return view;
}

std::optional<JobState> VideoService::cancel(const std::string& id, const std::string& client) {
  const std::lock_guard lock(mutex_);
  const std::optional<Job> job = owned(id, client);
  if (!job) return std::nullopt;
  if (is_over(job->state)) return job->state;
  store_.set_ended(job->sequence, JobState::kCancelled, unix_ms(), "cancelled",
                   "The clip was cancelled.");
  ++totals_.cancelled;
  queue_.remove(job->sequence);
  if (job->state != JobState::kInProgress && !job->saved_job.empty()) forget_job(job->saved_job);
  if (job->state == JobState::kHeld) folder_.remove_all(job->sequence);
  stop_current(job->sequence, Stop::kDiscard);
  changed();
  return job->state;
}

bool VideoService::remove(const std::string& id, const std::string& client) {
  const std::lock_guard lock(mutex_);
  const std::optional<Job> job = owned(id, client);
  if (!job) return false;
  store_.remove(job->sequence);
  if (!is_over(job->state)) ++totals_.cancelled;
  queue_.remove(job->sequence);
  const bool is_made_now = current_ && current_->sequence == job->sequence;
  if (is_made_now && job->state == JobState::kInProgress) {
    stop_current(job->sequence, Stop::kDiscard);  // the worker removes what there is
  } else {
    if (!job->saved_job.empty()) forget_job(job->saved_job);
    folder_.remove_all(job->sequence);
  }
  changed();
  return true;
}

void VideoService::stop_current(int64_t sequence, Stop stop) {
  if (!current_ || current_->sequence != sequence || current_->stop == Stop::kDiscard) return;
  current_->stop = stop;
  current_->live->stop_requested = true;
}

bool VideoService::is_full() {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(queue_.size()) >= options_.most_waiting;
}

int VideoService::retry_after_s() {
  const std::lock_guard lock(mutex_);
  return std::max(1, static_cast<int>(std::ceil(clip_s_)));
}

ServiceFigures VideoService::figures() {
  const std::lock_guard lock(mutex_);
  ServiceFigures now = totals_;
  now.jobs = store_.count();
  now.waiting = queue_.size();
  now.most_waiting = options_.most_waiting;
  now.file_bytes = store_.file_bytes();
  now.is_warm = is_warm_;
  return now;
}

void VideoService::changed() {
  {
    const std::lock_guard lock(change_mutex_);
    ++changes_;
  }
  change_there_.notify_all();
}

uint64_t VideoService::wait_for_change(uint64_t seen, milliseconds limit) {
  std::unique_lock lock(change_mutex_);
  change_there_.wait_for(lock, limit, [&] { return changes_ != seen || waiting_ends_; });
  return changes_;
}

bool VideoService::is_ending() {
  const std::lock_guard lock(change_mutex_);
  return waiting_ends_;
}

void VideoService::stop_waiting() {
  {
    const std::lock_guard lock(change_mutex_);
    waiting_ends_ = true;
  }
  change_there_.notify_all();
}

}  // namespace reel::server
