// SPDX-License-Identifier: Apache-2.0
#include "e2e/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "support/places.h"

namespace reel::test {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Long enough for the slow kernels under sanitizers on a busy machine.
constexpr milliseconds kLimit{120'000};

void limit(__rlimit_resource_t what, uint64_t most_bytes) {
  const rlimit values{most_bytes, most_bytes};
  if (most_bytes != 0) ::setrlimit(what, &values);
}

void redirect(int descriptor, const std::string& path, int flags) {
  const int opened = ::open(path.c_str(), flags, 0600);
  if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(125);
}

}  // namespace

fs::path built_program() { return program_folder() / "reel"; }

std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Outcome::error_lines() const {
  std::vector<std::string> lines;
  std::istringstream text(err);
  for (std::string line; std::getline(text, line);) {
    if (!lines.empty() || line.starts_with("reel: ")) lines.push_back(line);
  }
  return lines;
}

Child::Child(const Command& command) {
  std::ofstream(streams_ / "in", std::ios::binary) << command.input;
  pid_ = ::fork();
  if (pid_ == 0) become(command);
}

void Child::become(const Command& command) const {
  redirect(STDIN_FILENO, streams_ / "in", O_RDONLY);
  const std::string out =
      command.stdout_to.empty() ? (streams_ / "out").string() : command.stdout_to;
  redirect(STDOUT_FILENO, out, O_WRONLY | O_CREAT);
  redirect(STDERR_FILENO, streams_ / "err", O_WRONLY | O_CREAT | O_APPEND);
  if (::chdir(command.folder.c_str()) != 0) ::_exit(125);
  for (const char* name : {"HOME", "XDG_CONFIG_HOME"}) {
    ::setenv(name, command.folder.c_str(), 1);
  }
  ::setenv("XDG_CACHE_HOME", (command.folder / "cache").c_str(), 1);
  ::setenv("XDG_STATE_HOME", (command.folder / "state").c_str(), 1);
  for (const char* name :
       {"XDG_DATA_HOME", "REEL_MODELS", "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "HF_TOKEN",
        "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "http_proxy", "all_proxy", "ALL_PROXY"}) {
    ::unsetenv(name);
  }
  for (const auto& [name, value] : command.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  ::setenv("ASAN_OPTIONS", "max_allocation_size_mb=8192:allocator_may_return_null=1", 0);
  if (!command.path.empty()) ::setenv("PATH", command.path.c_str(), 1);
  limit(RLIMIT_FSIZE, command.most_file_bytes);
  if (!kSanitized) limit(RLIMIT_AS, command.most_memory_bytes);
  std::vector<std::string> words = command.started_by;
  words.push_back(command.program);
  words.insert(words.end(), command.args.begin(), command.args.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  ::_exit(126);
}

Child::~Child() {
  if (!is_running()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string Child::err() const { return read_all(streams_ / "err"); }

bool Child::is_running() {
  int status = 0;
  if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  return !status_;
}

bool Child::wait_for(const std::string& words, milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (Clock::now() < end) {
    const bool was_running = is_running();
    if (err().find(words) != std::string::npos) return true;
    if (!was_running) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return false;
}

void Child::send(int signal) {
  if (is_running()) ::kill(pid_, signal);
}

Outcome Child::wait(milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (is_running() && Clock::now() < end) std::this_thread::sleep_for(milliseconds(2));
  Outcome outcome;
  outcome.timed_out = is_running();
  if (outcome.timed_out) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    status_ = status;
  }
  if (WIFEXITED(*status_)) outcome.exit_code = WEXITSTATUS(*status_);
  if (WIFSIGNALED(*status_)) outcome.signal = WTERMSIG(*status_);
  outcome.out = read_all(streams_ / "out");
  outcome.err = err();
  return outcome;
}

Outcome run_program(const Command& command) { return Child(command).wait(kLimit); }

}  // namespace reel::test
