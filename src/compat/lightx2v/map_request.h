// SPDX-License-Identifier: Apache-2.0
// LightX2V's settings as a request of Reel: what each means here, and what is said about it.
#pragma once

#include <reel/request.h>

#include <optional>
#include <string>
#include <vector>

#include "compat/lightx2v/model_paths.h"
#include "compat/lightx2v/values.h"

namespace reel::compat::lightx2v {

// The flags that LightX2V keeps apart from its configuration.
struct RequestFlags {
  std::optional<uint64_t> seed = 42;  // random when empty
  std::string prompt, negative_prompt, save_result_path;
  std::vector<int> target_shape;  // height, width
  std::optional<int> num_frames;
  std::vector<std::string> without_effect;  // flags that were given and change nothing
  std::string name_prefix = "--";           // before the names of all these in messages
};

struct MappedRun {
  ModelOptions model;
  VideoRequest request;           // the sampler is left to the kind of model
  std::string absent_checkpoint;  // this and the next four as in ModelPaths
  std::string text_encoder_precision;
  std::string decoder;
  std::string gguf_type;
  bool prefers_bf16 = false;
  std::vector<std::string> notes;
};

// Throws kUnsupported for what would change the result and is not done here, kInvalidArgument for
// values that cannot be or contradict each other.
MappedRun map_request(const Settings& settings, const RequestFlags& flags, const FileTest& exists);

}  // namespace reel::compat::lightx2v
