// SPDX-License-Identifier: Apache-2.0
// Writes a planned checkpoint into a folder that appears when it is complete.
#pragma once

#include "pipeline/synth/model.h"

namespace reel::synth {

// Of the request: the layout, the folder and whether the files are sparse. The report's time is
// left to the caller. Throws as synthesize, but for what makes no model.
SynthReport write_checkpoint(const Model& model, const SynthRequest& request,
                             const SynthWatcher& watcher);

}  // namespace reel::synth
