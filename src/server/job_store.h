// SPDX-License-Identifier: Apache-2.0
// All jobs, queued and past, in one SQLite file: what is in it survives a kill.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/database.h"
#include "server/job.h"

namespace reel::server {

// Which jobs list() gives, in which order.
struct JobQuery {
  std::string client;      // empty: everybody's
  int64_t after = 0;       // a job's sequence; 0: from the beginning of the order
  bool ascending = false;  // oldest first
  int limit = 20;
  std::optional<JobState> state;
  std::string wanted_name;  // of a clip that is there; empty: any job
};

// Not for several threads at once. Every function may throw kIo.
class JobStore {
 public:
  // Throws kBusy when another process has the file.
  explicit JobStore(const std::filesystem::path& file);

  // Sets the sequence. Throws kBusy when there is a job of that id.
  void add(Job& job);
  std::optional<Job> find(const std::string& id);
  std::optional<Job> find(int64_t sequence);
  std::vector<Job> list(const JobQuery& query);
  std::map<JobState, int64_t> count();

  // Queued jobs and those that a stopped server was at, these first; all of them are queued now.
  std::vector<Job> take_unfinished();

  void set_started(int64_t sequence, int64_t started_ms);
  void set_saved_job(int64_t sequence, const std::string& saved_job);
  void set_queued(int64_t sequence);
  // After `spent_ms` of work.
  void set_held(int64_t sequence, int64_t spent_ms);
  // A held one is queued again, to be made to its end.
  void set_continued(int64_t sequence);
  // Held jobs beyond the newest `most`, oldest first.
  std::vector<Job> held_beyond(int64_t most);
  void set_completed(const Job& job);
  // kFailed or kCancelled.
  void set_ended(int64_t sequence, JobState state, int64_t completed_ms, const std::string& code,
                 const std::string& message);
  void remove(int64_t sequence);

  // Of all clips that are kept.
  uint64_t file_bytes();
  // The oldest clip that is kept.
  std::optional<Job> oldest_file();
  void set_file_removed(int64_t sequence);
  // Jobs that are over, beyond the newest `most`: removed, and given back for their files.
  std::vector<Job> remove_history_beyond(int64_t most);

 private:
  Database database_;
};

}  // namespace reel::server
