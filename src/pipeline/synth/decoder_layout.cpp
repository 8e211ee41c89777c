// SPDX-License-Identifier: Apache-2.0
// What decodes in the place of a VAE, as one file.
//
// Source: madebyollin/taehv (taew2_1) and lightx2v/Autoencoders (lighttaew2_1, lightvaew2_1): the
// names of the files. Number formats are assumed: f16 for TAEs, bf16 for the light VAE.
#include "base/error.h"
#include "pipeline/synth/plan.h"

namespace reel::synth {
namespace {

bool take_ending(std::string& name, const std::string& ending) {
  if (!name.ends_with(ending)) return false;
  name.resize(name.size() - ending.size());
  return true;
}

// Every width of the full VAE, a quarter of it left.
Model pruned(Model model) {
  for (int64_t& channels : model.vae.channels) channels /= 4;
  return model;
}

}  // namespace

void add_decoder(Plan& plan, const Model& model, const std::string& file) {
  REEL_REQUIRE(!model.find_values, kUnsupported,
               "The numbers of a decoder are random: none are made from another model's.",
               "Leave out the model whose weights are taken.");
  std::string stem = file;
  const bool is_torch = take_ending(stem, ".pth");
  const bool is_known = is_torch || take_ending(stem, ".safetensors");
  const bool is_tae = stem == "taew2_1" || stem == "lighttaew2_1";
  REEL_REQUIRE(is_known && (is_tae || stem == "lightvaew2_1"), kInvalidArgument,
               str_cat("There is no decoder \"", file, "\"."),
               "Known are taew2_1, lighttaew2_1 and lightvaew2_1, as .pth or .safetensors.");
  plan.files.push_back({.name = file,
                        .start = is_torch ? torch_zip_writer() : safetensors_writer(),
                        .tensors = is_tae ? all_rounded(tae_tensors(model), DType::kF16)
                                          : all_rounded(vae_tensors(pruned(model)), DType::kBF16)});
}

}  // namespace reel::synth
