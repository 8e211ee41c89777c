// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stored_model.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "pipeline/model_configs.h"
#include "pipeline/tokenizer_source.h"
#include "prepare/dequantise.h"
#include "tokenizer/model_proto.h"

namespace reel::pipeline {
namespace {

using checkpoint::Checkpoint;
using checkpoint::Component;
using checkpoint::Network;
using checkpoint::StoredTensor;

// The numbers of a tensor in a file, widened to f32 with their scales.
class StoredValues : public synth::TensorValues {
 public:
  explicit StoredValues(StoredTensor tensor) : tensor_(std::move(tensor)) {
    const Shape& shape = tensor_.entry->shape;
    width_ = shape.axes() == 0 ? 1 : shape.elements() / shape[0];
  }

  void fill(int64_t first, std::span<float> out) const override {
    const auto count = static_cast<int64_t>(out.size());
    const int64_t first_row = first / width_;
    const int64_t rows = (first + count + width_ - 1) / width_ - first_row;
    if (rows * width_ == count) return prepare::read_rows(tensor_, first_row, rows, out);
    std::vector<float> whole_rows(static_cast<size_t>(rows * width_));
    prepare::read_rows(tensor_, first_row, rows, whole_rows);
    std::copy_n(whole_rows.begin() + (first - first_row * width_), count, out.begin());
  }

 private:
  StoredTensor tensor_;
  int64_t width_;  // of a row of the first axis
};

// Keeps the files open for as long as values are asked for.
synth::FindValues find_values_in(const Checkpoint& files) {
  return [dit = *files.dit, text_encoder = *files.text_encoder, vae = *files.vae](
             Network network, const std::string& name) -> synth::TensorValuesPtr {
    const Component& component = network == Network::kDit           ? dit
                                 : network == Network::kTextEncoder ? text_encoder
                                                                    : vae;
    const StoredTensor* tensor = component.find(name);
    return tensor == nullptr ? nullptr : std::make_shared<StoredValues>(*tensor);
  };
}

void require_whole(const Checkpoint& files) {
  const bool has_vae = files.vae && files.vae->network == Network::kVae;
  if (files.dit && files.text_encoder && has_vae && files.tokenizer) return;
  std::string missing;
  for (const std::string& sentence : files.missing) {
    missing += missing.empty() ? sentence : ' ' + sentence;
  }
  fail(ErrorCode::kNotFound, str_cat('"', files.path.string(), "\" is no whole model. ", missing),
       "Give the folder of a model with its DiT, text encoder, VAE and tokenizer.");
}

// The dimensions are those of the weights.
void require_no_dimensions(const SynthRequest& request) {
  const std::pair<const char*, int64_t> fields[] = {{"dim", request.dim},
                                                    {"ffn_dim", request.ffn_dim},
                                                    {"layers", request.layers},
                                                    {"text_dim", request.text_dim},
                                                    {"t5_ffn_dim", request.t5_ffn_dim},
                                                    {"t5_layers", request.t5_layers},
                                                    {"t5_vocab", request.t5_vocab},
                                                    {"vae_base", request.vae_base},
                                                    {"tae_base", request.tae_base}};
  for (const auto& [name, value] : fields) {
    REEL_REQUIRE(value == 0, kInvalidArgument,
                 str_cat(name, " is ", value, ", but the weights of \"", request.weights_from,
                         "\" have their own dimensions."),
                 str_cat("Leave out ", name, ", or the model whose weights are taken."));
  }
}

}  // namespace

synth::Model stored_model(const SynthRequest& request) {
  require_no_dimensions(request);
  const Checkpoint files = checkpoint::open_checkpoint({.model = request.weights_from});
  require_whole(files);
  const checkpoint::ModelSettings& settings = files.settings;
  const auto chosen = [](int64_t own, std::optional<int64_t> stored, int64_t published) {
    return own != 0 ? own : stored.value_or(published);
  };
  synth::Model model;
  model.dit = dit_config(files);
  model.text_encoder = text_config(*files.text_encoder);
  model.vae = vae_config(*files.vae);
  model.size_name = synth::size_name_of(model.dit);
  model.display_name = settings.display_name.empty() ? model.size_name : settings.display_name;
  model.example_prompt = settings.example_prompt;
  model.latent_rgb = settings.latent_rgb;
  model.kind = files.verdict == checkpoint::Verdict::kBase ? "base" : "distilled";
  model.width_px = chosen(request.width_px, settings.width_px, 832);
  model.height_px = chosen(request.height_px, settings.height_px, 480);
  model.frames = chosen(request.frames, settings.frames, 81);
  model.with_vace = request.with_vace;
  model.lora_rank = request.lora_rank;
  model.tokenizer.spiece_model = read_tokenizer_proto(*files.tokenizer);
  model.tokenizer.vocabulary = tokenizer::read_model_proto(model.tokenizer.spiece_model, 0);
  model.seed = request.seed;
  model.find_values = find_values_in(files);
  return model;
}

}  // namespace reel::pipeline
