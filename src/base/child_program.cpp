// SPDX-License-Identifier: Apache-2.0
#include "base/child_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <thread>
#include <utility>

#include "base/env.h"
#include "base/error.h"

namespace reel {
namespace {

constexpr off_t kMostErrorBytes = 8192;
constexpr size_t kMostLineBytes = 300;
constexpr std::chrono::milliseconds kBetweenLooks{5};

// Closes what it holds, unless that was taken.
struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  int take() { return std::exchange(number, -1); }
};

[[noreturn]] void fail_start(const std::string& program, int error) {
  fail(ErrorCode::kIo, str_cat("Cannot start \"", program, "\": ", std::strerror(error), '.'));
}

// What the child gets as 0, 1 and 2, and signals as a shell would leave them.
class SpawnSettings {
 public:
  SpawnSettings(int input, int errors) {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
};

std::string without_prefix(std::string line) {
  while (line.starts_with('[')) {
    const size_t end = line.find("] ");
    if (end == std::string::npos) break;
    line.erase(0, end + 2);
  }
  return line.substr(0, kMostLineBytes);
}

}  // namespace

std::optional<std::filesystem::path> find_program(const std::string& name) {
  std::istringstream folders(env::get("PATH").value_or(""));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (folder.empty()) continue;  // means the current folder, where nobody expects programs
    const std::filesystem::path path = std::filesystem::path(folder) / name;
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0) {
      return path;
    }
  }
  return std::nullopt;
}

ChildProgram::ChildProgram(const std::vector<std::string>& words) {
  Descriptor ours, theirs;
  // A socket and no pipe: writing to one whose reader is gone need not raise SIGPIPE.
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    fail_start(words[0], errno);
  }
  ours.number = ends[0];
  theirs.number = ends[1];
  const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
  ::setsockopt(ours.number, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  // A file, so that a child that writes much is never held up.
  Descriptor errors{::memfd_create("reel-child-errors", MFD_CLOEXEC)};
  if (errors.number < 0) fail_start(words[0], errno);

  std::vector<std::string> copies = words;
  std::vector<char*> pointers;
  pointers.reserve(copies.size() + 1);
  for (std::string& word : copies) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const SpawnSettings settings(theirs.number, errors.number);
  const int result = ::posix_spawn(&pid_, pointers[0], &settings.files, &settings.attributes,
                                   pointers.data(), ::environ);
  if (result != 0) fail_start(words[0], result);
  input_ = ours.take();
  errors_ = errors.take();
}

ChildProgram::~ChildProgram() {
  close_input();
  ::close(errors_);
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ChildProgram::close_input() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

bool ChildProgram::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(input_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(sent));
  }
  return true;
}

std::optional<int> ChildProgram::status_if_ended() {
  int status = 0;
  const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
  REEL_REQUIRE(ended >= 0 || errno == EINTR, kInternal, "A child process is not there any more.");
  if (ended <= 0) return std::nullopt;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ChildProgram::finish(const StopFlag* stop) {
  close_input();
  while (true) {
    if (const auto status = status_if_ended()) return *status;
    if (stop != nullptr) stop->check();
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::optional<int> ChildProgram::finish_within(std::chrono::milliseconds limit) {
  close_input();
  const auto end = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto status = status_if_ended();
    if (status || std::chrono::steady_clock::now() >= end) return status;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::string ChildProgram::error_text() const {
  const off_t end = ::lseek(errors_, 0, SEEK_END);
  const off_t start = std::max<off_t>(end - kMostErrorBytes, 0);
  std::string text(static_cast<size_t>(std::max<off_t>(end - start, 0)), '\0');
  const ssize_t got = ::pread(errors_, text.data(), text.size(), start);
  text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

std::string ChildProgram::last_error_line(std::span<const std::string> passed_over) const {
  std::istringstream text(error_text());
  std::string last;
  for (std::string line; std::getline(text, line);) {
    line = without_prefix(line);
    const bool is_noise = std::ranges::any_of(
        passed_over, [&](const std::string& start) { return line.starts_with(start); });
    if (!line.empty() && (!is_noise || last.empty())) last = line;
  }
  return last;
}

}  // namespace reel
