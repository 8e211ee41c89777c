// SPDX-License-Identifier: Apache-2.0
#include "server/job_store.h"

#include <algorithm>

#include "base/error.h"

namespace reel::server {
namespace {

constexpr int kVersion = 2;

constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS jobs(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE, client TEXT NOT NULL,
  prompt TEXT NOT NULL, negative_prompt TEXT NOT NULL,
  width_px INTEGER NOT NULL, height_px INTEGER NOT NULL, frames INTEGER NOT NULL,
  steps INTEGER NOT NULL, fps INTEGER NOT NULL, sampler TEXT NOT NULL,
  shift REAL NOT NULL, guidance REAL NOT NULL, seed INTEGER NOT NULL,
  wanted_name TEXT NOT NULL, state TEXT NOT NULL,
  created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL DEFAULT 0,
  completed_ms INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
  look_after INTEGER NOT NULL DEFAULT 0, spent_ms INTEGER NOT NULL DEFAULT 0,
  saved_job TEXT NOT NULL DEFAULT '', error_code TEXT NOT NULL DEFAULT '',
  error_message TEXT NOT NULL DEFAULT '', frames_digest TEXT NOT NULL DEFAULT '',
  recipe TEXT NOT NULL DEFAULT '', file_bytes INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs(state, sequence);
CREATE INDEX IF NOT EXISTS jobs_by_client ON jobs(client, sequence);
)sql";

// What version 1 lacks.
constexpr const char* kToVersion2 = R"sql(
ALTER TABLE jobs ADD COLUMN look_after INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN spent_ms INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr const char* kSelect =
    "SELECT sequence, id, client, prompt, negative_prompt, width_px, height_px, frames, steps, "
    "fps, sampler, shift, guidance, seed, wanted_name, state, created_ms, started_ms, "
    "completed_ms, look_after, spent_ms, attempts, saved_job, error_code, error_message, "
    "frames_digest, recipe, "
    "file_bytes FROM jobs ";

Job read_job(Statement& row) {
  Job job;
  job.sequence = row.integer();
  job.id = row.text();
  job.client = row.text();
  ClipSettings& clip = job.clip;
  clip.prompt = row.text();
  clip.negative_prompt = row.text();
  for (int* field : {&clip.width_px, &clip.height_px, &clip.frames, &clip.steps, &clip.fps}) {
    *field = static_cast<int>(row.integer());
  }
  clip.sampler = row.text();
  clip.shift = row.real();
  clip.guidance = row.real();
  clip.seed = static_cast<uint64_t>(row.integer());  // all 64 bits, of which SQLite has the sign
  job.wanted_name = row.text();
  job.state = job_state_from(row.text()).value_or(JobState::kFailed);
  for (int64_t* field : {&job.created_ms, &job.started_ms, &job.completed_ms}) {
    *field = row.integer();
  }
  job.look_after = static_cast<int>(row.integer());
  job.spent_ms = row.integer();
  job.attempts = static_cast<int>(row.integer());
  for (std::string* field :
       {&job.saved_job, &job.error_code, &job.error_message, &job.frames_digest, &job.recipe}) {
    *field = row.text();
  }
  job.file_bytes = static_cast<uint64_t>(row.integer());
  return job;
}

std::optional<Job> first(Statement& rows) {
  if (!rows.next()) return std::nullopt;
  return read_job(rows);
}

std::vector<Job> all(Statement& rows) {
  std::vector<Job> jobs;
  while (rows.next()) jobs.push_back(read_job(rows));
  return jobs;
}

std::string state_is(JobState state) { return str_cat("state = '", job_state_name(state), "' "); }

}  // namespace

JobStore::JobStore(const std::filesystem::path& file) : database_(file) {
  // What was committed survives a kill; after a power cut the last commits may be missing. The
  // first write locks the file until this process ends.
  database_.execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
  int64_t version = 0;
  {
    Statement asked(database_, "PRAGMA user_version");
    if (asked.next()) version = asked.integer();
  }
  REEL_REQUIRE(version <= kVersion, kBadFile,
               str_cat("The job list \"", file.string(), "\" is of version ", version,
                       "; this program knows version ", kVersion, '.'),
               "Use the newer program, or another folder with --data.");
  if (version == 1) database_.execute(kToVersion2);
  database_.execute(kTables);
  database_.execute(str_cat("PRAGMA user_version = ", kVersion));
}

void JobStore::add(Job& job) {
  REEL_REQUIRE(!find(job.id), kBusy, str_cat("There is a job \"", job.id, "\" already."),
               "Choose another id, or leave it out.");
  const ClipSettings& clip = job.clip;
  Statement(database_,
            "INSERT INTO jobs(id, client, prompt, negative_prompt, width_px, height_px, frames, "
            "steps, fps, sampler, shift, guidance, seed, wanted_name, state, look_after, "
            "created_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .with(job.id)
      .with(job.client)
      .with(clip.prompt)
      .with(clip.negative_prompt)
      .with(int64_t{clip.width_px})
      .with(int64_t{clip.height_px})
      .with(int64_t{clip.frames})
      .with(int64_t{clip.steps})
      .with(int64_t{clip.fps})
      .with(clip.sampler)
      .with(clip.shift)
      .with(clip.guidance)
      .with(static_cast<int64_t>(clip.seed))
      .with(job.wanted_name)
      .with(std::string(job_state_name(job.state)))
      .with(int64_t{job.look_after})
      .with(job.created_ms)
      .run();
  job.sequence = database_.last_inserted();
}

std::optional<Job> JobStore::find(const std::string& id) {
  Statement rows(database_, str_cat(kSelect, "WHERE id = ?"));
  return first(rows.with(id));
}

std::optional<Job> JobStore::find(int64_t sequence) {
  Statement rows(database_, str_cat(kSelect, "WHERE sequence = ?"));
  return first(rows.with(sequence));
}

std::vector<Job> JobStore::list(const JobQuery& query) {
  std::string sql = str_cat(kSelect, "WHERE 1 ");
  if (!query.client.empty()) sql += "AND client = ? ";
  if (query.after != 0) sql += query.ascending ? "AND sequence > ? " : "AND sequence < ? ";
  if (!query.wanted_name.empty()) sql += "AND wanted_name = ? AND file_bytes > 0 ";
  if (query.state) sql += "AND " + state_is(*query.state);
  sql += str_cat("ORDER BY sequence ", query.ascending ? "ASC" : "DESC", " LIMIT ?");
  Statement rows(database_, sql);
  if (!query.client.empty()) rows.with(query.client);
  if (query.after != 0) rows.with(query.after);
  if (!query.wanted_name.empty()) rows.with(query.wanted_name);
  return all(rows.with(int64_t{query.limit}));
}

std::map<JobState, int64_t> JobStore::count() {
  std::map<JobState, int64_t> counts;
  Statement rows(database_, "SELECT state, COUNT(*) FROM jobs GROUP BY state");
  while (rows.next()) {
    const std::optional<JobState> state = job_state_from(rows.text());
    if (state) counts[*state] = rows.integer();
  }
  return counts;
}

std::vector<Job> JobStore::take_unfinished() {
  std::vector<Job> jobs;
  for (const JobState state : {JobState::kInProgress, JobState::kQueued}) {
    Statement rows(database_, str_cat(kSelect, "WHERE ", state_is(state), "ORDER BY sequence"));
    for (Job& job : all(rows)) jobs.push_back(std::move(job));
  }
  database_.execute(
      str_cat("UPDATE jobs SET state = 'queued' WHERE ", state_is(JobState::kInProgress)));
  return jobs;
}

void JobStore::set_started(int64_t sequence, int64_t started_ms) {
  Statement(database_,
            "UPDATE jobs SET state = 'in_progress', started_ms = ?, attempts = attempts + 1 "
            "WHERE sequence = ?")
      .with(started_ms)
      .with(sequence)
      .run();
}

void JobStore::set_saved_job(int64_t sequence, const std::string& saved_job) {
  Statement(database_, "UPDATE jobs SET saved_job = ? WHERE sequence = ?")
      .with(saved_job)
      .with(sequence)
      .run();
}

void JobStore::set_queued(int64_t sequence) {
  // Stopping a server is no failed attempt.
  Statement(database_,
            "UPDATE jobs SET state = 'queued', attempts = attempts - 1 WHERE sequence = ?")
      .with(sequence)
      .run();
}

void JobStore::set_held(int64_t sequence, int64_t spent_ms) {
  Statement(database_,
            "UPDATE jobs SET state = 'held', attempts = 0, spent_ms = ? WHERE sequence = ?")
      .with(spent_ms)
      .with(sequence)
      .run();
}

void JobStore::set_continued(int64_t sequence) {
  Statement(database_, "UPDATE jobs SET state = 'queued', look_after = 0 WHERE sequence = ?")
      .with(sequence)
      .run();
}

std::vector<Job> JobStore::held_beyond(int64_t most) {
  Statement rows(database_, str_cat(kSelect, "WHERE ", state_is(JobState::kHeld),
                                    "ORDER BY sequence DESC LIMIT -1 OFFSET ?"));
  std::vector<Job> jobs = all(rows.with(most));
  std::ranges::reverse(jobs);
  return jobs;
}

void JobStore::set_completed(const Job& job) {
  Statement(database_,
            "UPDATE jobs SET state = 'completed', completed_ms = ?, saved_job = '', "
            "frames_digest = ?, recipe = ?, file_bytes = ? WHERE sequence = ?")
      .with(job.completed_ms)
      .with(job.frames_digest)
      .with(job.recipe)
      .with(static_cast<int64_t>(job.file_bytes))
      .with(job.sequence)
      .run();
}

void JobStore::set_ended(int64_t sequence, JobState state, int64_t completed_ms,
                         const std::string& code, const std::string& message) {
  Statement(database_,
            "UPDATE jobs SET state = ?, completed_ms = ?, saved_job = '', error_code = ?, "
            "error_message = ? WHERE sequence = ?")
      .with(std::string(job_state_name(state)))
      .with(completed_ms)
      .with(code)
      .with(message)
      .with(sequence)
      .run();
}

void JobStore::remove(int64_t sequence) {
  Statement(database_, "DELETE FROM jobs WHERE sequence = ?").with(sequence).run();
}

uint64_t JobStore::file_bytes() {
  Statement rows(database_, "SELECT COALESCE(SUM(file_bytes), 0) FROM jobs");
  return rows.next() ? static_cast<uint64_t>(rows.integer()) : 0;
}

std::optional<Job> JobStore::oldest_file() {
  Statement rows(database_,
                 str_cat(kSelect, "WHERE file_bytes > 0 ORDER BY completed_ms, sequence LIMIT 1"));
  return first(rows);
}

void JobStore::set_file_removed(int64_t sequence) {
  Statement(database_, "UPDATE jobs SET file_bytes = 0 WHERE sequence = ?").with(sequence).run();
}

std::vector<Job> JobStore::remove_history_beyond(int64_t most) {
  Statement rows(database_,
                 str_cat(kSelect, "WHERE state NOT IN ('queued', 'in_progress', 'held') ",
                         "ORDER BY sequence DESC LIMIT -1 OFFSET ?"));
  std::vector<Job> removed = all(rows.with(most));
  for (const Job& job : removed) remove(job.sequence);
  return removed;
}

}  // namespace reel::server
