// SPDX-License-Identifier: Apache-2.0
// What one row of the table starts from: a folder with a tiny model that works, an empty output
// folder and a command line that makes a clip. A case damages one of them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "e2e/child.h"
#include "support/temp_folder.h"

namespace reel::test {

class Scene {
 public:
  Scene();
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  const std::filesystem::path& folder() const { return folder_.path(); }

  // reel generate --model model --device cpu --prompt "a ball" --seed 1 --out out/clip.mp4 and
  // these. A flag that is there already gets the new value.
  Scene& generate(const std::vector<std::string>& more = {});
  // reel and these, nothing else.
  Scene& reel(const std::vector<std::string>& args);

  Command command;
  std::shared_ptr<void> beside;  // what must live as long: a server that the program asks

 private:
  TempFolder folder_;
};

struct Case {
  const char* id;
  void (*build)(Scene&);
};

// One list for each section of the table.
std::vector<Case> weight_file_cases();
std::vector<Case> model_cases();
std::vector<Case> request_cases();
std::vector<Case> download_cases();
std::vector<Case> output_cases();
std::vector<Case> slab_cases();
std::vector<Case> stage_cases();
std::vector<Case> working_cases();

// The parts of the model, relative to the scene's folder.
inline constexpr const char* kBlock = "model/distill_fp8/block_0.safetensors";
inline constexpr const char* kNonBlock = "model/distill_fp8/non_block.safetensors";
inline constexpr const char* kIndex =
    "model/distill_fp8/diffusion_pytorch_model.safetensors.index.json";
inline constexpr const char* kTextEncoder = "model/distill_fp8/models_t5_umt5-xxl-enc-fp8.pth";
inline constexpr const char* kVae = "model/distill_fp8/Wan2.1_VAE.pth";
inline constexpr const char* kTokenizerFolder = "model/google/umt5-xxl";

}  // namespace reel::test
