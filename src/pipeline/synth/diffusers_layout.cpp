// SPDX-License-Identifier: Apache-2.0
// The folders of the diffusers library, which its from_pretrained opens.
//
// Source: the files of Wan-AI/Wan2.1-T2V-14B-Diffusers.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "checkpoint/naming.h"
#include "pipeline/synth/plan.h"

namespace reel::synth {
namespace {

using checkpoint::NamePair;
using checkpoint::Naming;
using checkpoint::Network;
using nlohmann::ordered_json;

constexpr uint64_t kMostShardBytes = 10'000'000'000;

// The encoder's names, which readers do not need. The decoder's are in the registry.
Naming vae_encoder_naming() {
  std::vector<NamePair> pairs = {
      {"conv1", "quant_conv"},
      {"encoder.conv1", "encoder.conv_in"},
      {"encoder.head.0.gamma", "encoder.norm_out.gamma"},
      {"encoder.head.2", "encoder.conv_out"},
      {"encoder.middle.1.norm.gamma", "encoder.mid_block.attentions.0.norm.gamma"},
      {"encoder.middle.1.to_qkv", "encoder.mid_block.attentions.0.to_qkv"},
      {"encoder.middle.1.proj", "encoder.mid_block.attentions.0.proj"},
      {"encoder.downsamples.#.resample.1", "encoder.down_blocks.#.resample.1"},
      {"encoder.downsamples.#.time_conv", "encoder.down_blocks.#.time_conv"},
  };
  const auto add_residual = [&](const std::string& ours, const std::string& theirs) {
    pairs.push_back({ours + ".residual.0.gamma", theirs + ".norm1.gamma"});
    pairs.push_back({ours + ".residual.2", theirs + ".conv1"});
    pairs.push_back({ours + ".residual.3.gamma", theirs + ".norm2.gamma"});
    pairs.push_back({ours + ".residual.6", theirs + ".conv2"});
    pairs.push_back({ours + ".shortcut", theirs + ".conv_shortcut"});
  };
  add_residual("encoder.downsamples.#", "encoder.down_blocks.#");
  add_residual("encoder.middle.0", "encoder.mid_block.resnets.0");
  add_residual("encoder.middle.2", "encoder.mid_block.resnets.1");
  return {Network::kVae, "diffusers", pairs};
}

std::vector<TensorPlan> renamed(const std::vector<SourceTensor>& tensors, DType dtype,
                                const Naming& naming, const Naming& second) {
  std::vector<TensorPlan> all = all_rounded(tensors, dtype);
  for (TensorPlan& tensor : all) {
    auto name = naming.theirs(tensor.spec.name);
    if (!name) name = second.theirs(tensor.spec.name);
    REEL_REQUIRE(name.has_value(), kInternal,
                 str_cat("diffusers has no name for \"", tensor.spec.name, "\"."));
    tensor.spec.name = *name;
  }
  return all;
}

std::vector<TensorPlan> renamed(const std::vector<SourceTensor>& tensors, DType dtype,
                                const Naming& naming) {
  return renamed(tensors, dtype, naming, naming);
}

// At least two, so that small checkpoints are split as well.
size_t shards_of(const std::vector<TensorPlan>& tensors) {
  uint64_t bytes = 0;
  for (const TensorPlan& tensor : tensors) {
    bytes += static_cast<uint64_t>(storage_bytes(tensor.spec.dtype, tensor.spec.shape.elements()));
  }
  return std::max<size_t>(2, (bytes + kMostShardBytes - 1) / kMostShardBytes);
}

ordered_json transformer_config(const Model& model) {
  return {{"_class_name", "WanTransformer3DModel"},
          {"_diffusers_version", "0.33.0.dev0"},
          {"added_kv_proj_dim", nullptr},
          {"attention_head_dim", wan_dit::kHeadDim},
          {"cross_attn_norm", true},
          {"eps", 1e-6},
          {"ffn_dim", model.dit.ffn_dim},
          {"freq_dim", model.dit.freq_dim},
          {"image_dim", nullptr},
          {"in_channels", model.dit.channels},
          {"num_attention_heads", model.dit.heads()},
          {"num_layers", model.dit.layers},
          {"out_channels", model.dit.channels},
          {"patch_size", {1, wan_dit::kPatchRows, wan_dit::kPatchCols}},
          {"qk_norm", "rms_norm_across_heads"},
          {"rope_max_seq_len", wan_dit::kMostPositions},
          {"text_dim", model.dit.text_dim},
          {"reel", ordered_json::parse(reel_settings_json(model))}};
}

ordered_json text_encoder_config(const Model& model) {
  const umt5::Config& text = model.text_encoder;
  return {{"architectures", {"UMT5EncoderModel"}},
          {"d_ff", text.ffn_dim},
          {"d_kv", text.attn_dim / text.heads},
          {"d_model", text.dim},
          {"decoder_start_token_id", 0},
          {"dense_act_fn", "gelu_new"},
          {"dropout_rate", 0.1},
          {"eos_token_id", 1},
          {"feed_forward_proj", "gated-gelu"},
          {"initializer_factor", 1.0},
          {"is_encoder_decoder", true},
          {"is_gated_act", true},
          {"layer_norm_epsilon", 1e-6},
          {"model_type", "umt5"},
          {"num_decoder_layers", text.layers},
          {"num_heads", text.heads},
          {"num_layers", text.layers},
          {"output_past", true},
          {"pad_token_id", 0},
          {"relative_attention_max_distance", 128},
          {"relative_attention_num_buckets", umt5::kBuckets},
          {"scalable_attention", true},
          {"tie_word_embeddings", false},
          {"torch_dtype", "bfloat16"},
          {"vocab_size", text.vocab}};
}

ordered_json vae_config(const Model& model) {
  // Through text, so that the f32 constants come out in their short decimal form.
  const auto decimals = [](const auto& values) {
    ordered_json list = ordered_json::array();
    for (const float value : values) list.push_back(ordered_json::parse(str_cat(value)));
    return list;
  };
  return {{"_class_name", "AutoencoderKLWan"},
          {"_diffusers_version", "0.33.0.dev0"},
          {"attn_scales", ordered_json::array()},
          {"base_dim", model.vae.channels.back()},
          {"dim_mult", {1, 2, 4, 4}},
          {"dropout", 0.0},
          {"latents_mean", decimals(wan_vae::kLatentMean)},
          {"latents_std", decimals(wan_vae::kLatentStd)},
          {"num_res_blocks", 2},
          {"temperal_downsample", {false, true, true}},
          {"z_dim", wan_vae::kLatentChannels}};
}

ordered_json scheduler_config() {
  return {{"_class_name", "UniPCMultistepScheduler"},
          {"_diffusers_version", "0.33.0.dev0"},
          {"flow_shift", 5.0},
          {"num_train_timesteps", 1000},
          {"prediction_type", "flow_prediction"},
          {"predict_x0", true},
          {"solver_order", 2},
          {"solver_type", "bh2"},
          {"use_flow_sigmas", true}};
}

ordered_json model_index() {
  return {{"_class_name", "WanPipeline"},
          {"_diffusers_version", "0.33.0.dev0"},
          {"scheduler", {"diffusers", "UniPCMultistepScheduler"}},
          {"text_encoder", {"transformers", "UMT5EncoderModel"}},
          {"tokenizer", {"transformers", "T5TokenizerFast"}},
          {"transformer", {"diffusers", "WanTransformer3DModel"}},
          {"vae", {"diffusers", "AutoencoderKLWan"}}};
}

}  // namespace

void add_diffusers(Plan& plan, const Model& model) {
  REEL_REQUIRE(!model.with_vace, kUnsupported,
               "VACE tensors are asked for, but the diffusers layout has other names for them.",
               "Choose the layout bf16, comfy_fp8 or gguf:<type>, or leave with_vace out.");
  const auto naming = [](Network network, const char* name) -> const Naming& {
    return *checkpoint::find_naming(network, name);
  };
  auto dit = renamed(dit_tensors(model), DType::kBF16, naming(Network::kDit, "diffusers"));
  const size_t dit_shards = shards_of(dit);
  add_shards(plan, "transformer/diffusion_pytorch_model", dit_writer(model), std::move(dit),
             dit_shards);
  auto text = renamed(text_encoder_tensors(model), DType::kBF16,
                      naming(Network::kTextEncoder, "Hugging Face"));
  const size_t text_shards = shards_of(text);
  add_shards(plan, "text_encoder/model", safetensors_writer(), std::move(text), text_shards);
  plan.files.push_back(
      {.name = "vae/diffusion_pytorch_model.safetensors",
       .start = safetensors_writer(),
       .tensors = renamed(vae_tensors(model), DType::kF32, naming(Network::kVae, "diffusers"),
                          vae_encoder_naming())});
  const auto add_json = [&](const char* name, const ordered_json& root) {
    plan.texts.push_back({name, root.dump(2) + '\n'});
  };
  add_json("model_index.json", model_index());
  add_json("transformer/config.json", transformer_config(model));
  add_json("text_encoder/config.json", text_encoder_config(model));
  add_json("vae/config.json", vae_config(model));
  add_json("scheduler/scheduler_config.json", scheduler_config());
  add_tokenizer_files(plan, model, "tokenizer/");
}

}  // namespace reel::synth
