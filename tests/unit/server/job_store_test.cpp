// SPDX-License-Identifier: Apache-2.0
#include "server/job_store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "server/database.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::server {
namespace {

Job make_job(const std::string& id, const std::string& client = "anna") {
  Job job;
  job.id = id;
  job.client = client;
  job.clip = {.prompt = "ein Ball; \"rot\"\n'--",
              .negative_prompt = "blau",
              .width_px = 64,
              .height_px = 48,
              .frames = 17,
              .steps = 4,
              .fps = 24,
              .sampler = "lcm",
              .shift = 2.5,
              .guidance = 1.25,
              .seed = ~uint64_t{0}};
  job.wanted_name = "name.mp4";
  job.created_ms = 1'700'000'000'123;
  return job;
}

class JobStoreTest : public testing::Test {
 protected:
  int64_t add(const std::string& id, const std::string& client = "anna") {
    Job job = make_job(id, client);
    store_->add(job);
    return job.sequence;
  }
  void reopen() {
    store_.reset();
    store_.emplace(file());
  }
  std::filesystem::path file() const { return folder_ / "jobs.sqlite"; }

  test::TempFolder folder_;
  std::optional<JobStore> store_{std::in_place, file()};
};

TEST_F(JobStoreTest, GivesBackWhatWasAdded) {
  add("one");
  reopen();

  const std::optional<Job> job = store_->find("one");

  ASSERT_TRUE(job);
  const Job wanted = make_job("one");
  EXPECT_EQ(job->client, wanted.client);
  EXPECT_EQ(job->clip.prompt, wanted.clip.prompt);
  EXPECT_EQ(job->clip.negative_prompt, wanted.clip.negative_prompt);
  EXPECT_EQ(job->clip.width_px, 64);
  EXPECT_EQ(job->clip.height_px, 48);
  EXPECT_EQ(job->clip.frames, 17);
  EXPECT_EQ(job->clip.steps, 4);
  EXPECT_EQ(job->clip.fps, 24);
  EXPECT_EQ(job->clip.sampler, "lcm");
  EXPECT_EQ(job->clip.shift, 2.5);
  EXPECT_EQ(job->clip.guidance, 1.25);
  EXPECT_EQ(job->clip.seed, ~uint64_t{0});
  EXPECT_EQ(job->wanted_name, "name.mp4");
  EXPECT_EQ(job->created_ms, wanted.created_ms);
  EXPECT_EQ(job->state, JobState::kQueued);
  EXPECT_FALSE(store_->find("two"));
}

TEST_F(JobStoreTest, RefusesAnIdThatIsTaken) {
  add("one");
  EXPECT_REEL_ERROR(add("one", "bert"), kBusy, "\"one\" already");
}

TEST_F(JobStoreTest, ListsNewestFirstPageByPage) {
  for (const char* id : {"1", "2", "3", "4"}) add(id, std::string(id) == "3" ? "bert" : "anna");
  const auto ids = [&](const JobQuery& query) {
    std::string text;
    for (const Job& job : store_->list(query)) text += job.id;
    return text;
  };

  EXPECT_EQ(ids({}), "4321");
  EXPECT_EQ(ids({.client = "anna"}), "421");
  EXPECT_EQ(ids({.after = store_->find("4")->sequence, .limit = 2}), "32");
  EXPECT_EQ(ids({.after = store_->find("2")->sequence, .ascending = true}), "34");
  EXPECT_EQ(ids({.state = JobState::kCompleted}), "");
}

TEST_F(JobStoreTest, HandsOverWhatAStoppedServerWasAtFirst) {
  add("waits");
  const int64_t runs = add("runs");
  const int64_t over = add("over");
  store_->set_started(runs, 5);
  store_->set_saved_job(runs, "20261128-1");
  store_->set_ended(over, JobState::kFailed, 6, "code", "words");
  reopen();

  const std::vector<Job> jobs = store_->take_unfinished();

  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].id, "runs");
  EXPECT_EQ(jobs[0].saved_job, "20261128-1");
  EXPECT_EQ(jobs[0].attempts, 1);
  EXPECT_EQ(jobs[1].id, "waits");
  EXPECT_EQ(store_->find("runs")->state, JobState::kQueued);
  EXPECT_EQ(store_->find("over")->error_message, "words");
}

TEST_F(JobStoreTest, DoesNotCountAStopAsAnAttempt) {
  const int64_t job = add("one");
  store_->set_started(job, 5);
  store_->set_queued(job);

  EXPECT_EQ(store_->find(job)->attempts, 0);
  EXPECT_EQ(store_->find(job)->state, JobState::kQueued);
}

TEST_F(JobStoreTest, KeepsHeldJobsOutOfTheQueueUntilTheyGoOn) {
  for (const char* id : {"1", "2", "3"}) {
    const int64_t job = add(id);
    store_->set_started(job, 5);
    store_->set_held(job, 1234);
  }
  reopen();
  EXPECT_TRUE(store_->take_unfinished().empty());
  EXPECT_TRUE(store_->remove_history_beyond(0).empty());
  const std::vector<Job> beyond = store_->held_beyond(1);
  ASSERT_EQ(beyond.size(), 2u);
  EXPECT_EQ(beyond[0].id, "1");
  EXPECT_EQ(beyond[0].spent_ms, 1234);
  EXPECT_EQ(beyond[0].attempts, 0);

  store_->set_continued(beyond[0].sequence);

  EXPECT_EQ(store_->find("1")->state, JobState::kQueued);
  EXPECT_EQ(store_->take_unfinished().size(), 1u);
}

TEST_F(JobStoreTest, ReadsAListOfVersionOne) {
  Job job = make_job("old");
  job.look_after = 0;
  store_->add(job);
  store_.reset();
  {
    Database before(file());
    before.execute(
        "ALTER TABLE jobs DROP COLUMN look_after; ALTER TABLE jobs DROP COLUMN spent_ms; "
        "PRAGMA user_version = 1");
  }
  store_.emplace(file());

  EXPECT_EQ(store_->find("old")->clip.prompt, job.clip.prompt);
  Job young = make_job("young");
  young.look_after = 2;
  store_->add(young);
  reopen();
  EXPECT_EQ(store_->find("young")->look_after, 2);
  EXPECT_EQ(store_->find("old")->look_after, 0);
}

TEST_F(JobStoreTest, KnowsTheClipsAndTheirBytes) {
  for (const char* id : {"new", "old"}) {
    Job job = *store_->find(add(id));
    job.completed_ms = std::string(id) == "old" ? 10 : 20;
    job.file_bytes = 100;
    job.recipe = "{}";
    job.frames_digest = "d1";
    store_->set_completed(job);
  }

  EXPECT_EQ(store_->file_bytes(), 200u);
  EXPECT_EQ(store_->oldest_file()->id, "old");
  store_->set_file_removed(store_->find("old")->sequence);
  EXPECT_EQ(store_->file_bytes(), 100u);
  EXPECT_EQ(store_->oldest_file()->id, "new");
  EXPECT_EQ(store_->find("old")->recipe, "{}");
  EXPECT_EQ(store_->count().at(JobState::kCompleted), 2);
}

TEST_F(JobStoreTest, KeepsTheNewestOfWhatIsOver) {
  for (const char* id : {"1", "2", "3"}) {
    store_->set_ended(add(id), JobState::kCancelled, 1, "cancelled", "");
  }
  add("waits");

  const std::vector<Job> removed = store_->remove_history_beyond(1);

  EXPECT_EQ(removed.size(), 2u);
  EXPECT_FALSE(store_->find("1"));
  EXPECT_TRUE(store_->find("3"));
  EXPECT_TRUE(store_->find("waits"));
}

TEST_F(JobStoreTest, IsOneServersAlone) {
  add("one");
  const pid_t other = ::fork();
  if (other == 0) {
    try {
      const JobStore store(file());
    } catch (const Error& error) {
      ::_exit(error.code() == ErrorCode::kBusy ? 7 : 8);
    }
    ::_exit(9);
  }
  int status = 0;
  ::waitpid(other, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(JobStore, NamesAFileThatIsNoJobList) {
  const test::TempFolder folder;
  std::ofstream(folder / "jobs.sqlite") << std::string(5000, 'x');

  EXPECT_REEL_ERROR(const JobStore store(folder / "jobs.sqlite"), kBadFile, "jobs.sqlite");
}

TEST(Database, SaysWhichStatementIsWrong) {
  const test::TempFolder folder;
  Database database(folder / "x.sqlite");

  EXPECT_REEL_ERROR(database.execute("SELEKT 1"), kIo, "SELEKT");
}

}  // namespace
}  // namespace reel::server
