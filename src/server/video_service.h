// SPDX-License-Identifier: Apache-2.0
// What the server does, without HTTP: takes requests into a queue, makes one clip at a time, keeps
// what was made.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/clip_folder.h"
#include "server/clip_maker.h"
#include "server/fair_queue.h"
#include "server/job_store.h"
#include "server/live_job.h"

namespace reel::server {

struct ServiceOptions {
  std::filesystem::path data;                     // where jobs and clips are kept
  int most_waiting = 64;                          // and as many more that are held
  uint64_t most_file_bytes = uint64_t{10} << 30;  // of clips; the oldest go
  int64_t most_history = 10000;                   // jobs that are over
  double idle_s = 300;                            // then the model is closed
};

// A job as a client sees it.
struct JobView {
  Job job;
  std::optional<LiveState> live;  // while it is being made
  int ahead = 0;                  // while it waits: how many come before it
  int previews = 0;               // pictures there are
};

struct ServiceFigures {
  std::map<JobState, int64_t> jobs;  // as they are kept
  // Since the start.
  int64_t completed = 0, failed = 0, cancelled = 0, refused = 0;
  double making_s = 0;  // of completed clips
  size_t waiting = 0;
  int most_waiting = 0;
  uint64_t file_bytes = 0;
  bool is_warm = false;
};

// All functions may be called from any thread. `client` is whose jobs are seen; empty: everybody's.
class VideoService {
 public:
  // Queues what an earlier server left, and starts. Throws as ClipMaker and JobStore.
  VideoService(const ModelOptions& model, const ServiceOptions& options);
  // Stops the clip that is being made, for the next server to go on with.
  ~VideoService();

  const std::string& model_name() const { return maker_.model_name(); }

  // Throws kInvalidArgument, and kBusy when the queue is full or the id is taken.
  JobView create(const ClipRequest& request, const std::string& client,
                 std::vector<std::string>& warnings);
  std::optional<JobView> find(const std::string& id, const std::string& client);
  std::vector<JobView> list(const JobQuery& query);
  // The newest clip that its client named so.
  std::optional<Job> find_named(const std::string& wanted_name, const std::string& client);
  // Stops it if need be; it stays in the list as cancelled. Nothing when there is no such job;
  // what it was before, otherwise.
  std::optional<JobState> cancel(const std::string& id, const std::string& client);
  // Stops it if need be; nothing of it stays.
  bool remove(const std::string& id, const std::string& client);
  // Queues a held clip to go on from its latents; one that is not held stays as it is. Nothing when
  // there is no such job. Throws kBusy as create().
  std::optional<JobView> go_on(const std::string& id, const std::string& client);

  std::filesystem::path clip_file(const Job& job) const { return folder_.clip(job.sequence); }
  std::filesystem::path preview_file(const Job& job, int step) const {
    return folder_.preview(job.sequence, step);
  }

  bool is_full();
  // When there should be room again, by how long clips took: at least 1.
  int retry_after_s();
  ServiceFigures figures();

  // Returns a number that grows with every change; waits until it is not `seen`, at most so long.
  uint64_t wait_for_change(uint64_t seen, std::chrono::milliseconds limit);
  // Ends all waits, now and later.
  void stop_waiting();
  bool is_ending();

 private:
  enum class Stop { kNone, kShutdown, kDiscard };
  struct Current {
    int64_t sequence = 0;
    std::unique_ptr<LiveJob> live;
    Stop stop = Stop::kNone;
  };

  // The worker's, in video_worker.cpp.
  void work();
  bool wait_for_work();  // false: no more
  std::optional<Job> begin_next();
  void run(const Job& job);
  void finish(const Job& job, const VideoResult& result);
  void give_up(const Job& job, const Error& error);
  bool was_stopped(const Job& job);
  void hold(const Job& job);
  void end(const Job& job, JobState state, const std::string& code, const std::string& message);
  void keep_quota(int64_t newest);

  void stop_current(int64_t sequence, Stop stop);
  void require_room();
  JobView view_of(Job job, const std::vector<int64_t>& order) const;
  std::optional<Job> owned(const std::string& id, const std::string& client);
  void changed();

  ServiceOptions options_;
  ClipFolder folder_;
  ClipMaker maker_;

  std::mutex mutex_;  // of all below
  JobStore store_;
  FairQueue queue_;
  std::optional<Current> current_;
  ServiceFigures totals_;
  double clip_s_ = 10;  // how long a clip takes, of late
  bool is_warm_ = false;
  bool ends_ = false;
  std::condition_variable work_there_;

  std::mutex change_mutex_;
  std::condition_variable change_there_;
  uint64_t changes_ = 1;
  bool waiting_ends_ = false;

  std::thread worker_;
};

}  // namespace reel::server
