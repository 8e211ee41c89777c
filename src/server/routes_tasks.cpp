// SPDX-License-Identifier: Apache-2.0
#include "server/routes_tasks.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "server/http/api_error.h"
#include "server/json_answer.h"
#include "server/routes_videos.h"
#include "server/task_json.h"
#include "server/video_json.h"

namespace reel::server {
namespace {

using nlohmann::json;

constexpr int kMostTasks = 1000;  // as many as it keeps there

[[noreturn]] void no_such_task(const std::string& id) {
  throw ApiError(404, str_cat("There is no task \"", id, "\"."), "not_found", "task_id");
}

JobView find(VideoService& service, const HttpRequest& request, const std::string& id) {
  std::optional<JobView> view = service.find(id, request.client);
  if (!view) no_such_task(id);
  return *std::move(view);
}

HttpResponse create_task(VideoService& service, const HttpRequest& request) {
  const ClipRequest clip = read_task_request(request);
  std::vector<std::string> warnings;
  const std::string owner = request.client.empty() ? request.peer : request.client;
  try {
    const Job job = service.create(clip, owner, warnings).job;
    return answer(
        {{"task_id", job.id}, {"task_status", "pending"}, {"save_result_path", job.wanted_name}});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kBusy) throw;
    throw ApiError(503, error.what(), "queue_full");  // as its clients expect it
  }
}

HttpResponse list_tasks(VideoService& service, const HttpRequest& request) {
  json tasks = json::object();
  for (const JobView& view : service.list({.client = request.client, .limit = kMostTasks})) {
    tasks[view.job.id] = task_json(view.job);
  }
  return answer(tasks);
}

// Ids in a state, oldest first.
std::vector<std::string> ids(VideoService& service, const HttpRequest& request, JobState state) {
  std::vector<std::string> found;
  for (const JobView& view : service.list(
           {.client = request.client, .ascending = true, .limit = kMostTasks, .state = state})) {
    found.push_back(view.job.id);
  }
  return found;
}

json first_or_null(const std::vector<std::string>& all) {
  return all.empty() ? json() : json(all.front());
}

HttpResponse queue_status(VideoService& service, const HttpRequest& request) {
  const ServiceFigures figures = service.figures();
  const std::vector<std::string> running = ids(service, request, JobState::kInProgress);
  const auto waiting = static_cast<int>(figures.waiting);
  const auto count = [&](JobState state) {
    const auto found = figures.jobs.find(state);
    return found == figures.jobs.end() ? int64_t{0} : found->second;
  };
  return answer({{"is_processing", count(JobState::kInProgress) > 0},
                 {"current_task", first_or_null(running)},
                 {"pending_count", waiting},
                 {"active_count", waiting + count(JobState::kInProgress)},
                 {"queue_size", figures.most_waiting},
                 {"queue_available", std::max(0, figures.most_waiting - waiting)}});
}

HttpResponse service_status(VideoService& service, const HttpRequest& request) {
  const ServiceFigures figures = service.figures();
  const std::vector<std::string> running = ids(service, request, JobState::kInProgress);
  int64_t total = 0;
  for (const auto& [state, count] : figures.jobs) total += count;
  const auto count = [&](JobState state) {
    const auto found = figures.jobs.find(state);
    return found == figures.jobs.end() ? int64_t{0} : found->second;
  };
  return answer({{"service_status", count(JobState::kInProgress) > 0 ? "busy" : "idle"},
                 {"current_task", first_or_null(running)},
                 {"active_tasks", running},
                 {"pending_tasks", figures.waiting},
                 {"queue_size", figures.most_waiting},
                 {"total_tasks", total},
                 {"completed_tasks", count(JobState::kCompleted)},
                 {"failed_tasks", count(JobState::kFailed)}});
}

HttpResponse metadata(const VideoService& service) {
  return answer({{"nproc_per_node", 1},
                 {"model_cls", "wan2.1_distill"},
                 {"model_path", service.model_name()}});
}

HttpResponse clip(VideoService& service, const HttpRequest& request, const Job& job) {
  if (job.state != JobState::kCompleted) {
    throw ApiError(404, str_cat("The task is ", task_state_name(job.state), ", not completed."),
                   "not_found");
  }
  return clip_response(request, service.clip_file(job), job.wanted_name);
}

HttpResponse result(VideoService& service, const HttpRequest& request, const PathValues& path) {
  return clip(service, request, find(service, request, path.at("id")).job);
}

// By the name that the task gave its result; it is looked up among the jobs, not on the disk.
HttpResponse download(VideoService& service, const HttpRequest& request, const PathValues& path) {
  const std::optional<Job> job = service.find_named(path.at("name"), request.client);
  if (!job) throw ApiError(404, "There is no such file.", "not_found");
  return clip(service, request, *job);
}

HttpResponse stop(VideoService& service, const HttpRequest& request, const PathValues& path) {
  const std::optional<JobState> was = service.cancel(path.at("id"), request.client);
  const bool is_stopped = was && !is_over(*was);
  std::string reason = "There is no such task.";
  if (was) reason = is_stopped ? "The task was stopped." : "The task is over.";
  return answer({{"stop_status", is_stopped ? "success" : "do_nothing"}, {"reason", reason}});
}

HttpResponse stop_all(VideoService& service, const HttpRequest& request) {
  int stopped = 0;
  for (const JobState state : {JobState::kQueued, JobState::kHeld, JobState::kInProgress}) {
    for (const std::string& id : ids(service, request, state)) {
      const std::optional<JobState> was = service.cancel(id, request.client);
      stopped += was && !is_over(*was) ? 1 : 0;
    }
  }
  return answer({{"stop_status", stopped > 0 ? "success" : "do_nothing"},
                 {"reason", str_cat(stopped, " tasks were stopped.")}});
}

}  // namespace

std::vector<Route> task_routes(VideoService& service) {
  const auto with = [&service](auto handler) {
    return [&service, handler](const HttpRequest& request, const PathValues&) {
      return handler(service, request);
    };
  };
  const auto with_path = [&service](auto handler) {
    return [&service, handler](const HttpRequest& request, const PathValues& path) {
      return handler(service, request, path);
    };
  };
  // Of several that match a path the first is taken.
  return {
      {"POST", "/v1/tasks/video", with(create_task)},
      {"POST", "/v1/tasks", with(create_task)},
      {"GET", "/v1/tasks", with(list_tasks)},
      {"GET", "/v1/tasks/queue/status", with(queue_status)},
      {"GET", "/v1/tasks/{id}/status",
       [&service](const HttpRequest& request, const PathValues& path) {
         return answer(task_json(find(service, request, path.at("id")).job));
       }},
      {"GET", "/v1/tasks/{id}/result", with_path(result)},
      {"DELETE", "/v1/tasks/all/running", with(stop_all)},
      {"DELETE", "/v1/tasks/{id}", with_path(stop)},
      {"GET", "/v1/files/download/{name}", with_path(download)},
      {"GET", "/v1/service/status", with(service_status)},
      {"GET", "/v1/service/metadata",
       [&service](const HttpRequest&, const PathValues&) { return metadata(service); }},
  };
}

}  // namespace reel::server
