// SPDX-License-Identifier: Apache-2.0
#include "golden/golden_case.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "pipeline/latent_shape.h"
#include "support/places.h"

namespace reel::test {
namespace {

using nlohmann::json;

SynthRequest synth_request(const json& from) {
  SynthRequest request;
  request.preset = from.at("preset");
  request.layout = from.at("layout");
  request.seed = from.at("seed");
  request.dim = from.at("dim");
  request.ffn_dim = from.at("ffn_dim");
  request.layers = from.at("layers");
  request.text_dim = from.at("text_dim");
  request.t5_ffn_dim = from.at("t5_ffn_dim");
  request.t5_layers = from.at("t5_layers");
  request.vae_base = from.at("vae_base");
  request.tae_base = from.value("tae_base", int64_t{0});  // none in the oldest cases
  return request;
}

SamplingOptions sampling_options(const json& run) {
  SamplingOptions options;
  options.sampler = run.value("sampler", "");
  options.rng = run.value("rng", options.rng);
  options.seed = run.value("seed", uint64_t{0});
  options.timesteps = run.value("timesteps", std::vector<int>{});
  if (run.contains("steps")) options.steps = run.at("steps");
  if (run.contains("shift")) options.shift = run.at("shift");
  if (run.contains("guidance")) options.guidance = run.at("guidance");
  return options;
}

}  // namespace

TensorView GoldenCase::tensor(const std::string& name) const {
  const Tensor* found = file.find(name);
  REEL_REQUIRE(found != nullptr, kBadFile, str_cat('"', path, "\" has no \"", name, "\"."));
  return found->view();
}

std::vector<int> GoldenCase::ids() const {
  const TensorView ids = tensor("ids");
  return {ids.as<int64_t>(), ids.as<int64_t>() + ids.elements()};
}

GoldenCase read_golden(const std::string& name) {
  GoldenCase golden;
  golden.path = (data_folder() / "golden" / (std::string(name) + ".safetensors")).string();
  golden.file = pipeline::read_stage_file(golden.path);
  const json about = json::parse(golden.file.metadata.at("golden"));
  golden.synth = synth_request(about.at("synth"));
  golden.weights_digest = about.at("weights_digest");
  const json& run = about.at("run");
  golden.sampling = sampling_options(run);
  golden.checkpoint_kind = run.value("checkpoint_kind", "distilled");
  if (golden.file.find("noise") != nullptr) {
    const pipeline::VideoSize size = pipeline::video_size(golden.tensor("noise").shape);
    golden.sampling.frames = static_cast<int>(size.frames);
    golden.sampling.height_px = static_cast<int>(size.height_px);
    golden.sampling.width_px = static_cast<int>(size.width_px);
  }
  return golden;
}

}  // namespace reel::test
