// SPDX-License-Identifier: Apache-2.0
#include "server/fair_queue.h"

#include <algorithm>

namespace reel::server {

void FairQueue::push(const std::string& client, int64_t sequence) {
  const auto line = std::find_if(lines_.begin(), lines_.end(),
                                 [&](const Line& one) { return one.client == client; });
  if (line != lines_.end()) {
    line->jobs.push_back(sequence);
  } else {
    lines_.push_back({client, {sequence}});
  }
}

std::optional<int64_t> FairQueue::pop() {
  if (lines_.empty()) return std::nullopt;
  Line& line = lines_.front();
  const int64_t sequence = line.jobs.front();
  line.jobs.pop_front();
  if (line.jobs.empty()) {
    lines_.pop_front();
  } else {
    lines_.splice(lines_.end(), lines_, lines_.begin());
  }
  return sequence;
}

bool FairQueue::remove(int64_t sequence) {
  for (auto line = lines_.begin(); line != lines_.end(); ++line) {
    const auto job = std::find(line->jobs.begin(), line->jobs.end(), sequence);
    if (job == line->jobs.end()) continue;
    line->jobs.erase(job);
    if (line->jobs.empty()) lines_.erase(line);
    return true;
  }
  return false;
}

size_t FairQueue::size() const {
  size_t jobs = 0;
  for (const Line& line : lines_) jobs += line.jobs.size();
  return jobs;
}

std::vector<int64_t> FairQueue::order() const {
  const size_t jobs = size();
  std::vector<int64_t> all;
  for (size_t turn = 0; all.size() < jobs; ++turn) {
    for (const Line& line : lines_) {
      if (turn < line.jobs.size()) all.push_back(line.jobs[turn]);
    }
  }
  return all;
}

}  // namespace reel::server
