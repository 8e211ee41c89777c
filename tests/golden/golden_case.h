// SPDX-License-Identifier: Apache-2.0
// A file of tests/data/golden: the reference's inputs and outputs, and which checkpoint and
// settings they belong to. Written by tools/reference/goldens.py.
#pragma once

#include <reel/request.h>
#include <reel/synth.h>

#include <string>
#include <vector>

#include "pipeline/stage_files.h"

namespace reel::test {

struct GoldenCase {
  std::string path;  // also a stage file: it has the tensors under their names in reel/stages.h
  SynthRequest synth;
  std::string weights_digest;
  SamplingOptions sampling;     // of the size that `noise` has
  std::string checkpoint_kind;  // "distilled" or "base"
  pipeline::StageFile file;

  // A tensor that must be there.
  TensorView tensor(const std::string& name) const;
  std::vector<int> ids() const;
};

// tests/data/golden/<name>.safetensors. Throws kNotFound, kBadFile.
GoldenCase read_golden(const std::string& name);

}  // namespace reel::test
