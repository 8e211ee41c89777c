// SPDX-License-Identifier: Apache-2.0
// ComfyUI's folders with scaled FP8 files: one scale per matrix, the tokenizer in the text encoder.
//
// Source: ComfyUI, comfy/ops.py and comfy/text_encoders/umt5.py.
#include "base/error.h"
#include "checkpoint/naming.h"
#include "pipeline/synth/plan.h"

namespace reel::synth {
namespace {

// `module`.weight in f8_e4m3, and the scale of all its numbers.
void add_tensor_scaled(std::vector<TensorPlan>& all, const SourceTensor& tensor,
                       const std::string& name) {
  TensorPlan matrix = rounded(tensor, DType::kF8E4M3);
  matrix.spec.name = name;
  matrix.content = Content::kTensorScaled;
  all.push_back(std::move(matrix));
  const std::string module = name.substr(0, name.rfind('.'));
  all.push_back({.spec = {.name = module + ".scale_weight", .dtype = DType::kF32, .shape = {}},
                 .content = Content::kScales});
}

// Says that the file is scaled; two elements say that its products are not computed in FP8.
TensorPlan scaled_fp8_mark() {
  return {.spec = {.name = "scaled_fp8", .dtype = DType::kF8E4M3, .shape = {2}},
          .content = Content::kBytes,
          .bytes = std::string(2, '\0')};
}

std::vector<TensorPlan> scaled(const std::vector<SourceTensor>& tensors,
                               const checkpoint::Naming* naming) {
  std::vector<TensorPlan> all;
  for (const SourceTensor& tensor : tensors) {
    const std::string name = naming == nullptr ? tensor.name : *naming->theirs(tensor.name);
    if (tensor.is_matrix) {
      add_tensor_scaled(all, tensor, name);
    } else {
      all.push_back(rounded(tensor, DType::kBF16));
      all.back().spec.name = name;
    }
  }
  all.push_back(scaled_fp8_mark());
  return all;
}

}  // namespace

void add_comfy_fp8(Plan& plan, const Model& model) {
  plan.files.push_back({.name = str_cat("diffusion_models/wan2.1_t2v_", model.size_name,
                                        "_scaled_fp8_e4m3_lightx2v_4step_comfyui.safetensors"),
                        .start = dit_writer(model),
                        .tensors = scaled(dit_tensors(model), nullptr)});

  std::vector<TensorPlan> text_encoder =
      scaled(text_encoder_tensors(model),
             checkpoint::find_naming(checkpoint::Network::kTextEncoder, "Hugging Face"));
  const std::string& proto = model.tokenizer.spiece_model;
  text_encoder.push_back({.spec = {.name = "spiece_model",
                                   .dtype = DType::kU8,
                                   .shape = {static_cast<int64_t>(proto.size())}},
                          .content = Content::kBytes,
                          .bytes = proto});
  plan.files.push_back({.name = "text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors",
                        .start = safetensors_writer(),
                        .tensors = std::move(text_encoder)});

  plan.files.push_back({.name = "vae/wan_2.1_vae.safetensors",
                        .start = safetensors_writer(),
                        .tensors = all_rounded(vae_tensors(model), DType::kF32)});
  plan.texts.push_back(wan_config(model));
}

}  // namespace reel::synth
