// SPDX-License-Identifier: Apache-2.0
#include "pipeline/denoiser_team.h"

#include "pipeline/peers.h"

namespace reel::pipeline {

DenoiserTeam::DenoiserTeam(const OpenModel& model, Runtime& runtime, const Numbers& numbers,
                           const RunSettings& settings, const EncodedPrompts& prompts,
                           memory::Phase phase)
    : runtime_(runtime) {
  const auto load = [&](Runtime& where) {
    return std::make_unique<Denoiser>(model, where, numbers, settings, prompts, phase);
  };
  Peers* const peers = runtime.peers();
  if (peers == nullptr) {
    own_ = load(runtime);
    return;
  }
  of_peers_.resize(static_cast<size_t>(peers->ranks()) - 1);
  peers->together([&] { own_ = load(runtime); },
                  [&](const Peer& peer) {
                    of_peers_[static_cast<size_t>(peer.rank) - 1] = load(peer.runtime);
                  });
}

DenoiserTeam::~DenoiserTeam() {
  if (of_peers_.empty()) return;
  try {
    // On their threads: which GPU is in use is a matter of the thread.
    runtime_.peers()->together(
        [] {}, [&](const Peer& peer) { of_peers_[static_cast<size_t>(peer.rank) - 1].reset(); });
  } catch (...) {  // a peer stopped with an error, which was thrown before
  }
}

void DenoiserTeam::velocity(const Tensor& latents, int step, const Tensor& out,
                            const Denoiser::Options& options) {
  Peers* const peers = runtime_.peers();
  if (peers == nullptr) return own_->velocity(latents, step, out, options);
  Denoiser::Options shared = options;
  shared.ranks = &peers->own_rank();
  peers->together([&] { own_->velocity(latents, step, out, shared); },
                  [&](const Peer& peer) {
                    // Every rank gets the whole; one is enough.
                    const Tensor unused(DType::kF32, out.shape(), "a velocity");
                    of_peers_[static_cast<size_t>(peer.rank) - 1]->velocity(
                        latents, step, unused,
                        {.on_part = [](double) {},
                         .is_checked = options.is_checked,
                         .on_residual = {},
                         .ranks = &peer.ranks});
                  });
}

}  // namespace reel::pipeline
