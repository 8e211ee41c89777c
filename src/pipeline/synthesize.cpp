// SPDX-License-Identifier: Apache-2.0
#include <reel/synth.h>

#include <chrono>

#include "base/error.h"
#include "pipeline/stored_model.h"
#include "pipeline/synth/checkpoint_writer.h"

namespace reel {

SynthReport synthesize(const SynthRequest& request, const SynthWatcher& watcher) {
  const auto start = std::chrono::steady_clock::now();
  REEL_REQUIRE(!request.out.empty(), kInvalidArgument, "out is empty; a folder's name is needed.");
  const synth::Model model =
      request.weights_from.empty() ? synth::model_of(request) : pipeline::stored_model(request);
  SynthReport report = synth::write_checkpoint(model, request, watcher);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace reel
