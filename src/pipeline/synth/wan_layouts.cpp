// SPDX-License-Identifier: Apache-2.0
// The layouts of the original repository and of LightX2V's distilled ones.
//
// Number formats are those that the published byte sizes imply: f32 beside 8-bit matrices in the
// DiT, bf16 beside them in the text encoder, row scales likewise, f32 in the VAE.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "pipeline/synth/plan.h"

namespace reel::synth {
namespace {

constexpr const char* kDitStem = "diffusion_pytorch_model";

void add_vae(Plan& plan, const Model& model, const std::string& folder) {
  plan.files.push_back({.name = folder + "Wan2.1_VAE.pth",
                        .start = torch_zip_writer(),
                        .tensors = all_rounded(vae_tensors(model), DType::kF32)});
}

void add_text_encoder_bf16(Plan& plan, const Model& model, const std::string& folder) {
  plan.files.push_back({.name = folder + "models_t5_umt5-xxl-enc-bf16.pth",
                        .start = torch_zip_writer(),
                        .tensors = all_rounded(text_encoder_tensors(model), DType::kBF16)});
}

void add_text_encoder_8bit(Plan& plan, const Model& model, DType dtype, const std::string& folder) {
  std::vector<TensorPlan> tensors;
  for (const SourceTensor& tensor : text_encoder_tensors(model)) {
    if (tensor.is_matrix) {
      add_row_scaled(tensors, tensor, dtype, DType::kBF16);
    } else {
      tensors.push_back(rounded(tensor, DType::kBF16));
    }
  }
  plan.files.push_back({.name = str_cat(folder, "models_t5_umt5-xxl-enc-",
                                        dtype == DType::kI8 ? "int8" : "fp8", ".pth"),
                        .start = torch_zip_writer(),
                        .tensors = std::move(tensors)});
}

// What lies beside the weights in the root folder.
void add_root_files(Plan& plan, const Model& model) {
  plan.texts.push_back(wan_config(model));
  add_tokenizer_files(plan, model, "google/umt5-xxl/");
}

}  // namespace

void add_distill(Plan& plan, const Model& model, DType dtype) {
  const std::string folder = dtype == DType::kI8 ? "distill_int8/" : "distill_fp8/";
  const auto layers = static_cast<size_t>(model.dit.layers);
  std::vector<FilePlan> files(layers + 1);  // the last takes what is in no block
  for (size_t index = 0; index <= layers; ++index) {
    const std::string stem = index < layers ? str_cat("block_", index) : "non_block";
    files[index] = {
        .name = folder + stem + ".safetensors", .start = dit_writer(model), .tensors = {}};
  }
  for (const SourceTensor& tensor : dit_tensors(model)) {
    auto& tensors = files[tensor.block < 0 ? layers : static_cast<size_t>(tensor.block)].tensors;
    if (tensor.is_matrix) {
      add_row_scaled(tensors, tensor, dtype, DType::kF32);
    } else {
      tensors.push_back(rounded(tensor, DType::kF32));
    }
  }
  plan.indexes.push_back({.name = folder + kDitStem + ".safetensors.index.json",
                          .first_file = plan.files.size(),
                          .file_count = files.size(),
                          .counts_headers = true});
  for (FilePlan& file : files) plan.files.push_back(std::move(file));
  add_text_encoder_8bit(plan, model, dtype, folder);
  add_vae(plan, model, folder);
  add_root_files(plan, model);
}

void add_distill_bf16(Plan& plan, const Model& model) {
  const std::string folder = "distill_models/";
  plan.files.push_back({.name = folder + "distill_model.safetensors",
                        .start = dit_writer(model),
                        .tensors = all_rounded(dit_tensors(model), DType::kBF16)});
  add_text_encoder_bf16(plan, model, folder);
  add_vae(plan, model, folder);
  add_root_files(plan, model);
}

void add_official(Plan& plan, const Model& model) {
  add_shards(plan, kDitStem, dit_writer(model), all_rounded(dit_tensors(model), DType::kF32), 6);
  add_text_encoder_bf16(plan, model, "");
  add_vae(plan, model, "");
  add_root_files(plan, model);
}

void add_tokenizer_files(Plan& plan, const Model& model, const std::string& folder) {
  const TokenizerFiles& files = model.tokenizer;
  plan.texts.push_back({folder + "spiece.model", files.spiece_model});
  if (!files.tokenizer_json.empty()) {
    plan.texts.push_back({folder + "tokenizer.json", files.tokenizer_json});
  }
  if (!files.tokenizer_config_json.empty()) {
    plan.texts.push_back({folder + "tokenizer_config.json", files.tokenizer_config_json});
  }
}

TextPlan wan_config(const Model& model) {
  nlohmann::ordered_json root = {
      {"_class_name", "WanModel"},      {"_diffusers_version", "0.30.0"},
      {"dim", model.dit.dim},           {"eps", 1e-6},
      {"ffn_dim", model.dit.ffn_dim},   {"freq_dim", model.dit.freq_dim},
      {"in_dim", model.dit.channels},   {"model_type", model.with_vace ? "vace" : "t2v"},
      {"num_heads", model.dit.heads()}, {"num_layers", model.dit.layers},
      {"out_dim", model.dit.channels},  {"text_dim", model.dit.text_dim},
      {"text_len", model.dit.text_len}};
  root["reel"] = nlohmann::ordered_json::parse(reel_settings_json(model));
  return {"config.json", root.dump(2) + '\n'};
}

std::string reel_settings_json(const Model& model) {
  nlohmann::ordered_json settings = {{"name", model.display_name},
                                     {"width", model.width_px},
                                     {"height", model.height_px},
                                     {"frames", model.frames}};
  if (!model.example_prompt.empty()) settings["example_prompt"] = model.example_prompt;
  if (model.latent_rgb) settings["latent_rgb"] = *model.latent_rgb;
  return settings.dump();
}

}  // namespace reel::synth
