// SPDX-License-Identifier: Apache-2.0
// Which files a LightX2V config means, where they are here.
#pragma once

#include <reel/request.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compat/lightx2v/names.h"
#include "compat/lightx2v/values.h"

namespace reel::compat::lightx2v {

using FileTest = std::function<bool(const std::filesystem::path&)>;

struct ModelPaths {
  std::filesystem::path model_path;  // as the config has it; model.model may be a part of it
  ModelOptions model;
  // A checkpoint that the config names and that is not here, described for a message: the weights
  // under model_path stand in for it, if they are distilled ones.
  std::string absent_checkpoint;
  // "fp8", "int8" or "bf16": what the config expects; empty where any will do.
  std::string text_encoder_precision;
  std::string decoder;    // "TAE" or "light VAE" where one is asked for; empty: whatever is found
  std::string gguf_type;  // "Q4_K_M": the file of the DiT that the scheme means; empty: no GGUF
  bool prefers_bf16 = false;  // the config asks for weights that are not quantised
  std::vector<std::string> notes;
};

// Throws kInvalidArgument where model_path is missing, or dit_quantized and dit_quant_scheme
// contradict each other; as scheme_family() for the schemes.
ModelPaths find_paths(const Settings& settings, const FileTest& exists);

}  // namespace reel::compat::lightx2v
