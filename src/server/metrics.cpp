// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"

#include <unistd.h>

#include <fstream>

#include "base/error.h"

namespace reel::server {
namespace {

// One metric: its head, then a sample per set of labels.
class Metric {
 public:
  Metric(std::string& text, const char* name, const char* type, const char* help)
      : text_(text), name_(name) {
    text_ += str_cat("# HELP ", name, ' ', help, "\n# TYPE ", name, ' ', type, '\n');
  }

  template <typename Number>
  Metric& sample(Number value, const std::string& labels = {}) {
    text_ += str_cat(name_, labels.empty() ? "" : "{" + labels + "}", ' ', value, '\n');
    return *this;
  }

 private:
  std::string& text_;
  const char* name_;
};

void add_jobs(const ServiceFigures& service, std::string& text) {
  Metric jobs(text, "reel_jobs", "gauge", "Jobs that are kept, by state.");
  for (const JobState state : {JobState::kQueued, JobState::kInProgress, JobState::kCompleted,
                               JobState::kFailed, JobState::kCancelled, JobState::kHeld}) {
    const auto found = service.jobs.find(state);
    jobs.sample(found == service.jobs.end() ? 0 : found->second,
                str_cat("state=\"", job_state_name(state), '"'));
  }
  Metric(text, "reel_jobs_ended_total", "counter", "Jobs that ended since the start, by how.")
      .sample(service.completed, "how=\"completed\"")
      .sample(service.failed, "how=\"failed\"")
      .sample(service.cancelled, "how=\"cancelled\"");
  Metric(text, "reel_jobs_refused_total", "counter", "Requests that found the queue full.")
      .sample(service.refused);
  Metric(text, "reel_making_seconds_total", "counter", "Time that completed clips took.")
      .sample(service.making_s);
  Metric(text, "reel_queue_limit", "gauge", "Clips that may wait.").sample(service.most_waiting);
  Metric(text, "reel_clip_bytes", "gauge", "Disk space of the clips.").sample(service.file_bytes);
  Metric(text, "reel_model_open", "gauge", "1 while the model is open.").sample(service.is_warm);
}

}  // namespace

std::string metrics_text(const ServiceFigures& service, const ConnectionFigures& connections,
                         const RequestFigures& requests, uint64_t resident_bytes) {
  std::string text;
  add_jobs(service, text);
  Metric(text, "reel_connections", "gauge", "Connections, by what they are at.")
      .sample(connections.waiting, "at=\"waiting\"")
      .sample(connections.answering, "at=\"answering\"")
      .sample(connections.streaming, "at=\"streaming\"");
  Metric answers(text, "reel_http_requests_total", "counter", "Answers, by their status.");
  for (const auto& [status, count] : requests.by_status) {
    answers.sample(count, str_cat("status=\"", status, '"'));
  }
  Metric(text, "process_resident_memory_bytes", "gauge", "Memory of the process.")
      .sample(resident_bytes);
  return text;
}

uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace reel::server
