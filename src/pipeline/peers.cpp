// SPDX-License-Identifier: Apache-2.0
#include "pipeline/peers.h"

#include <exception>
#include <utility>

#include "base/env.h"
#include "pipeline/runtime.h"

namespace reel::pipeline {
namespace {

// The first that is no mere consequence of another, if there is any.
void rethrow_first(const std::vector<std::exception_ptr>& errors) {
  for (const std::exception_ptr& error : errors) {
    try {
      std::rethrow_exception(error);
    } catch (const Error& caught) {
      if (caught.code() != ErrorCode::kCancelled) throw;
    }
  }
  if (!errors.empty()) std::rethrow_exception(errors.front());
}

}  // namespace

Peers::Peers(const ModelOptions& options, const std::vector<std::string>& devices)
    : ranks_(static_cast<int>(devices.size()) + 1), takes_turns_(devices.front() == "cpu") {
  for (size_t at = 0; at < devices.size(); ++at) members_.push_back(std::make_unique<Member>());
  ModelOptions shared = options;
  shared.trace.clear();
  for (size_t at = 0; at < devices.size(); ++at) {
    Member& member = *members_[at];
    shared.device = devices[at];
    // On its thread: which GPU is in use is a matter of the thread.
    member.thread.submit([this, &member, shared] {
      member.runtime = std::make_unique<Runtime>(shared, stop_, ranks_.size());
    });
    member.thread.wait();
  }
}

void Peers::connect(Runtime& owner) {
  for (const auto& member : members_) owner.reach(*member->runtime);
  together([] {},
           [&](const Peer& peer) {
             peer.runtime.reach(owner);
             for (const auto& other : members_) {
               if (other->runtime.get() != &peer.runtime) peer.runtime.reach(*other->runtime);
             }
           });
  if (!owner.on_gpu() || env::get("REEL_NCCL").value_or("0") != "1") return;
  nccl_.emplace(ranks());
  std::vector<comm::Communicator*> joined(static_cast<size_t>(ranks()));
  const auto join = [&](int rank) { joined[static_cast<size_t>(rank)] = &nccl_->join(rank); };
  together([&] { join(0); }, [&](const Peer& peer) { join(peer.rank); });
  through_nccl_ = std::move(joined);
}

void Peers::give_up() {
  stop_.request();
  ranks_.give_up();
  if (nccl_) nccl_->give_up();
}

Peers::~Peers() {
  for (const auto& member : members_) {
    try {
      member->thread.submit([&member] { member->runtime.reset(); });
      member->thread.wait();
    } catch (...) {  // it stopped with an error, which was thrown before
    }
  }
}

void Peers::together(const std::function<void()>& own,
                     const std::function<void(const Peer&)>& of_peer) {
  const auto guarded = [this](const std::function<void()>& work) {
    try {
      takes_turns_ ? ranks_.in_turn(work) : work();
    } catch (...) {
      give_up();
      throw;
    }
  };
  std::vector<std::exception_ptr> errors;
  const auto keep_error = [&](const std::function<void()>& work) {
    try {
      work();
    } catch (...) {
      errors.push_back(std::current_exception());
      give_up();
    }
  };
  keep_error([&] {
    for (size_t at = 0; at < members_.size(); ++at) {
      const int rank = static_cast<int>(at) + 1;
      Member& member = *members_[at];
      member.thread.submit([&, rank] {
        guarded([&] { of_peer({rank, *member.runtime, this->rank(rank)}); });
      });
    }
    guarded(own);
  });
  for (const auto& member : members_) keep_error([&] { member->thread.wait(); });
  rethrow_first(errors);
}

std::vector<std::string> Peers::device_names() const {
  std::vector<std::string> names;
  names.reserve(members_.size());
  for (const auto& member : members_) names.push_back(member->runtime->device_name());
  return names;
}

}  // namespace reel::pipeline
