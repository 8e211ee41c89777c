// SPDX-License-Identifier: Apache-2.0
// Tiny made-up checkpoints in every layout: the names of a network, and files that hold them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/naming.h"
#include "formats/tensor_writer.h"

namespace reel::test {

using Specs = std::vector<formats::TensorSpec>;
using Metadata = std::map<std::string, std::string>;

inline constexpr int64_t kDim = 32;
inline constexpr int kBlocks = 3;

// Every tensor under our names. Matrices in the blocks of DiT and text encoder are `matrices`,
// everything else is f32.
Specs dit_tensors(DType matrices = DType::kBF16);
Specs text_encoder_tensors(DType matrices = DType::kBF16);
Specs vae_tensors(int64_t channels = 16);
Specs tae_tensors(int64_t channels = 16);

// Adds a scale to every 8-bit matrix: `leaf` is "weight_scale" or "scale_weight".
Specs with_row_scales(Specs tensors);
Specs with_tensor_scales(Specs tensors, const std::string& leaf);

// The same tensors as a publisher calls them.
Specs renamed(const Specs& tensors, const checkpoint::Naming& naming,
              const std::string& prefix = "");

// Those whose names do or do not begin with `prefix`.
Specs only(const Specs& tensors, const std::string& prefix);
Specs without(const Specs& tensors, const std::string& prefix);
Specs operator+(Specs a, const Specs& b);

// Writes zeros, as .pth where the name ends in that, as GGUF, else as safetensors. Makes folders.
void write_tensors(const std::filesystem::path& path, const Specs& tensors,
                   const Metadata& metadata = {});
// The same with one tensor of text.
void write_with_text(const std::filesystem::path& path, const Specs& tensors,
                     const std::string& name, const std::string& text);
void write_text(const std::filesystem::path& path, const std::string& text);

// block_<i>.safetensors, non_block.safetensors and the index.
void write_per_block(const std::filesystem::path& folder, const Specs& tensors);
// The index of files that hold these tensors.
void write_index(const std::filesystem::path& folder,
                 const std::map<std::string, std::vector<std::string>>& files);

// Layout A: distill_fp8 with DiT, text encoder and VAE, and a tokenizer in the root.
void write_layout_a(const std::filesystem::path& root);

}  // namespace reel::test
