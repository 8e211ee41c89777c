// SPDX-License-Identifier: Apache-2.0
// A checkpoint on disk as something to be written again in another layout.
#pragma once

#include <reel/synth.h>

#include "pipeline/synth/model.h"

namespace reel::pipeline {

// The model at request.weights_from, with its dimensions, numbers, tokenizer and settings.
// Throws as synthesize.
synth::Model stored_model(const SynthRequest& request);

}  // namespace reel::pipeline
