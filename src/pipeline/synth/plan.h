// SPDX-License-Identifier: Apache-2.0
// What is going to be written: every file, and where the bytes of its tensors come from.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "formats/tensor_writer.h"
#include "pipeline/synth/model.h"

namespace reel::synth {

enum class Content {
  kRounded,       // the numbers, rounded to the tensor's format
  kRowScaled,     // 8-bit numbers; every row has a scale
  kTensorScaled,  // 8-bit numbers; all share one scale
  kScales,        // of the tensor in front of it
  kBytes,         // given
};

struct TensorPlan {
  formats::TensorSpec spec;
  Content content = Content::kRounded;
  TensorValuesPtr values;  // null where the content is no numbers
  // The least magnitude a scale stands for, and what a scale is rounded to before it is used.
  float scale_floor = 0;
  DType scale_dtype = DType::kF32;
  std::string bytes;
};

using StartWriter = std::function<std::unique_ptr<formats::TensorWriter>(
    const std::filesystem::path&, std::vector<formats::TensorSpec>)>;

struct FilePlan {
  std::string name;  // within the checkpoint's folder, as all names here
  StartWriter start;
  std::vector<TensorPlan> tensors;
};

// *.safetensors.index.json over neighbouring entries of `files`.
struct IndexPlan {
  std::string name;
  size_t first_file = 0;
  size_t file_count = 0;
  bool counts_headers = false;  // total_size is that of the files, not of their tensors
};

struct TextPlan {
  std::string name;
  std::string text;
};

struct Plan {
  std::vector<FilePlan> files;
  std::vector<IndexPlan> indexes;
  std::vector<TextPlan> texts;

  uint64_t tensor_bytes() const;
};

uint64_t tensor_bytes(const FilePlan& file);

// The layouts by name. Throws kInvalidArgument, kUnsupported.
Plan plan_layout(const Model& model, const std::string& layout);

StartWriter safetensors_writer();
StartWriter torch_zip_writer();
// safetensors that say which kind of model it is, where that is known.
StartWriter dit_writer(const Model& model);

TensorPlan rounded(const SourceTensor& tensor, DType dtype);
// The matrix as f8_e4m3 or i8, then <module>.weight_scale [out, 1].
void add_row_scaled(std::vector<TensorPlan>& all, const SourceTensor& tensor, DType dtype,
                    DType scale_dtype);
// Every tensor rounded to one format.
std::vector<TensorPlan> all_rounded(const std::vector<SourceTensor>& tensors, DType dtype);
// Adds `tensors` as <stem>-0000i-of-0000n.safetensors of similar size, and their index.
void add_shards(Plan& plan, const std::string& stem, const StartWriter& start,
                std::vector<TensorPlan> tensors, size_t count);

// Whole layouts. wan_layouts.cpp
void add_distill(Plan& plan, const Model& model, DType dtype);
void add_distill_bf16(Plan& plan, const Model& model);
void add_official(Plan& plan, const Model& model);
// comfy_layout.cpp, diffusers_layout.cpp, gguf_layout.cpp
void add_comfy_fp8(Plan& plan, const Model& model);
void add_diffusers(Plan& plan, const Model& model);
// `type` is llama.cpp's name in any case: "q4_k_m", "Q8_0". Throws kInvalidArgument for unknown
// ones.
void add_gguf(Plan& plan, const Model& model, const std::string& type);

// lora_layout.cpp: a LoRA alone. Throws kInvalidArgument for an unknown style or an impossible
// rank.
void add_lora(Plan& plan, const Model& model, const std::string& style);

// decoder_layout.cpp: one file that decodes in the place of a VAE, under its published name. Throws
// kInvalidArgument for a name that none has.
void add_decoder(Plan& plan, const Model& model, const std::string& file);

// config.json as the original repositories have it in their root folder.
TextPlan wan_config(const Model& model);
// The tokenizer's files in `folder`.
void add_tokenizer_files(Plan& plan, const Model& model, const std::string& folder);
// What every config.json here says to Reel.
std::string reel_settings_json(const Model& model);

}  // namespace reel::synth
