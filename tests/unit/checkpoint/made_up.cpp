// SPDX-License-Identifier: Apache-2.0
#include "unit/checkpoint/made_up.h"

#include <fstream>
#include <set>

#include "formats/gguf_writer.h"
#include "formats/safetensors_writer.h"
#include "formats/torch_zip_writer.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;
using formats::TensorSpec;

void add(Specs& all, const std::string& name, DType dtype, const Shape& shape) {
  all.push_back({name, dtype, shape});
}

void add_linear(Specs& all, const std::string& name, DType dtype, const Shape& shape) {
  add(all, name + ".weight", dtype, shape);
  add(all, name + ".bias", DType::kF32, {shape[0]});
}

void add_residual(Specs& all, const std::string& name) {
  add(all, name + ".residual.0.gamma", DType::kF32, {8, 1, 1, 1});
  add_linear(all, name + ".residual.2", DType::kF32, {8, 8, 3, 3, 3});
  add(all, name + ".residual.3.gamma", DType::kF32, {8, 1, 1, 1});
  add_linear(all, name + ".residual.6", DType::kF32, {8, 8, 3, 3, 3});
}

bool is_8_bit(DType dtype) {
  return dtype == DType::kF8E4M3 || dtype == DType::kF8E5M2 || dtype == DType::kI8;
}

std::string module_of(const std::string& name) { return name.substr(0, name.rfind('.')); }

}  // namespace

Specs dit_tensors(DType matrices) {
  Specs all;
  add_linear(all, "patch_embedding", DType::kF32, {kDim, 16, 1, 2, 2});
  add_linear(all, "text_embedding.0", DType::kF32, {kDim, kDim});
  add_linear(all, "text_embedding.2", DType::kF32, {kDim, kDim});
  add_linear(all, "time_embedding.0", DType::kF32, {kDim, 256});
  add_linear(all, "time_embedding.2", DType::kF32, {kDim, kDim});
  add_linear(all, "time_projection.1", DType::kF32, {6 * kDim, kDim});
  add_linear(all, "head.head", DType::kF32, {64, kDim});
  add(all, "head.modulation", DType::kF32, {1, 2, kDim});
  for (int block = 0; block < kBlocks; ++block) {
    const std::string prefix = "blocks." + std::to_string(block) + '.';
    add(all, prefix + "modulation", DType::kF32, {1, 6, kDim});
    for (const char* attention : {"self_attn.", "cross_attn."}) {
      for (const char* name : {"q", "k", "v", "o"}) {
        add_linear(all, prefix + attention + name, matrices, {kDim, kDim});
      }
      add(all, prefix + attention + "norm_q.weight", DType::kF32, {kDim});
      add(all, prefix + attention + "norm_k.weight", DType::kF32, {kDim});
    }
    add_linear(all, prefix + "norm3", DType::kF32, {kDim});
    add_linear(all, prefix + "ffn.0", matrices, {2 * kDim, kDim});
    add_linear(all, prefix + "ffn.2", matrices, {kDim, 2 * kDim});
  }
  return all;
}

Specs text_encoder_tensors(DType matrices) {
  Specs all;
  add(all, "token_embedding.weight", DType::kBF16, {100, kDim});
  add(all, "norm.weight", DType::kF32, {kDim});
  for (int block = 0; block < 2; ++block) {
    const std::string prefix = "blocks." + std::to_string(block) + '.';
    add(all, prefix + "norm1.weight", DType::kF32, {kDim});
    for (const char* name : {"q", "k", "v", "o"}) {
      add(all, prefix + "attn." + name + ".weight", matrices, {kDim, kDim});
    }
    add(all, prefix + "pos_embedding.embedding.weight", DType::kF32, {32, 4});
    add(all, prefix + "norm2.weight", DType::kF32, {kDim});
    add(all, prefix + "ffn.gate.0.weight", matrices, {2 * kDim, kDim});
    add(all, prefix + "ffn.fc1.weight", matrices, {2 * kDim, kDim});
    add(all, prefix + "ffn.fc2.weight", matrices, {kDim, 2 * kDim});
  }
  return all;
}

Specs vae_tensors(int64_t channels) {
  Specs all;
  add_linear(all, "conv2", DType::kF32, {channels, channels, 1, 1, 1});
  add_linear(all, "decoder.conv1", DType::kF32, {8, channels, 3, 3, 3});
  add(all, "decoder.head.0.gamma", DType::kF32, {8, 1, 1, 1});
  add_linear(all, "decoder.head.2", DType::kF32, {3, 8, 3, 3, 3});
  add_residual(all, "decoder.middle.0");
  add_residual(all, "decoder.middle.2");
  add(all, "decoder.middle.1.norm.gamma", DType::kF32, {8, 1, 1});
  add_linear(all, "decoder.middle.1.to_qkv", DType::kF32, {24, 8, 1, 1});
  add_linear(all, "decoder.middle.1.proj", DType::kF32, {8, 8, 1, 1});
  for (int index = 0; index < 15; ++index) {
    const std::string name = "decoder.upsamples." + std::to_string(index);
    if (index % 4 != 3) {
      add_residual(all, name);
      if (index == 4) add_linear(all, name + ".shortcut", DType::kF32, {8, 8, 1, 1, 1});
      continue;
    }
    add_linear(all, name + ".resample.1", DType::kF32, {8, 8, 3, 3});
    if (index < 11) add_linear(all, name + ".time_conv", DType::kF32, {16, 8, 3, 1, 1});
  }
  return all;
}

Specs tae_tensors(int64_t channels) {
  Specs all;
  add_linear(all, "decoder.1", DType::kF16, {8, channels, 3, 3});
  for (int level = 0; level < 3; ++level) {
    const int first = 3 + 6 * level;
    const auto name = [](int index) { return "decoder." + std::to_string(index); };
    for (int index = first; index < first + 3; ++index) {
      add_linear(all, name(index) + ".conv.0", DType::kF16, {8, 16, 3, 3});
      add_linear(all, name(index) + ".conv.2", DType::kF16, {8, 8, 3, 3});
      add_linear(all, name(index) + ".conv.4", DType::kF16, {8, 8, 3, 3});
    }
    add(all, name(first + 4) + ".conv.weight", DType::kF16, {level == 0 ? 8 : 16, 8, 1, 1});
    add(all, name(first + 5) + ".weight", DType::kF16, {8, 8, 3, 3});
  }
  add_linear(all, "decoder.22", DType::kF16, {3, 8, 3, 3});
  // Of the encoder, which is never read.
  add_linear(all, "encoder.0", DType::kF16, {8, 3, 3, 3});
  return all;
}

Specs with_row_scales(Specs tensors) {
  for (const TensorSpec& spec : Specs(tensors)) {
    if (!is_8_bit(spec.dtype)) continue;
    add(tensors, module_of(spec.name) + ".weight_scale", DType::kF32, {spec.shape[0], 1});
  }
  return tensors;
}

Specs with_tensor_scales(Specs tensors, const std::string& leaf) {
  for (const TensorSpec& spec : Specs(tensors)) {
    if (is_8_bit(spec.dtype)) add(tensors, module_of(spec.name) + '.' + leaf, DType::kF32, {});
  }
  return tensors;
}

Specs renamed(const Specs& tensors, const checkpoint::Naming& naming, const std::string& prefix) {
  Specs all;
  for (const TensorSpec& spec : tensors) {
    add(all, prefix + naming.theirs(spec.name).value(), spec.dtype, spec.shape);
  }
  return all;
}

Specs only(const Specs& tensors, const std::string& prefix) {
  Specs all;
  for (const TensorSpec& spec : tensors) {
    if (spec.name.starts_with(prefix)) all.push_back(spec);
  }
  return all;
}

Specs without(const Specs& tensors, const std::string& prefix) {
  Specs all;
  for (const TensorSpec& spec : tensors) {
    if (!spec.name.starts_with(prefix)) all.push_back(spec);
  }
  return all;
}

Specs operator+(Specs a, const Specs& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

void write_tensors(const fs::path& path, const Specs& tensors, const Metadata& metadata) {
  fs::create_directories(path.parent_path());
  std::unique_ptr<formats::TensorWriter> writer;
  if (path.extension() == ".pth") {
    writer = formats::start_torch_zip(path, tensors);
  } else if (path.extension() == ".gguf") {
    writer = formats::start_gguf(path, tensors, {metadata.begin(), metadata.end()});
  } else {
    writer = formats::start_safetensors(path, tensors, metadata);
  }
  for (size_t index = 0; index < tensors.size(); ++index) writer->append_zeros();
  writer->commit();
}

void write_with_text(const fs::path& path, const Specs& tensors, const std::string& name,
                     const std::string& text) {
  Specs all = tensors;
  add(all, name, DType::kU8, {static_cast<int64_t>(text.size())});
  fs::create_directories(path.parent_path());
  const auto writer = formats::start_safetensors(path, all, {});
  for (size_t index = 0; index < tensors.size(); ++index) writer->append_zeros();
  writer->append(std::as_bytes(std::span(text)));
  writer->commit();
}

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

void write_index(const fs::path& folder,
                 const std::map<std::string, std::vector<std::string>>& files) {
  formats::ShardIndex index;
  for (const auto& [file, names] : files) {
    for (const std::string& name : names) index.file_of[name] = file;
  }
  formats::write_shard_index(folder / "diffusion_pytorch_model.safetensors.index.json", index);
}

void write_per_block(const fs::path& folder, const Specs& tensors) {
  std::map<std::string, Specs> files{{"non_block.safetensors", without(tensors, "blocks.")}};
  for (int block = 0; block < kBlocks; ++block) {
    const std::string number = std::to_string(block);
    files["block_" + number + ".safetensors"] = only(tensors, "blocks." + number + '.');
  }
  std::map<std::string, std::vector<std::string>> names;
  for (const auto& [file, specs] : files) {
    write_tensors(folder / file, specs);
    for (const TensorSpec& spec : specs) names[file].push_back(spec.name);
  }
  write_index(folder, names);
}

void write_layout_a(const fs::path& root) {
  write_per_block(root / "distill_fp8", with_row_scales(dit_tensors(DType::kF8E4M3)));
  write_tensors(root / "distill_fp8/models_t5_umt5-xxl-enc-fp8.pth",
                with_row_scales(text_encoder_tensors(DType::kF8E4M3)));
  write_tensors(root / "distill_fp8/Wan2.1_VAE.pth", vae_tensors());
  write_text(root / "google/umt5-xxl/spiece.model", "a tokenizer");
  write_text(root / "config.json", R"({"model_type": "t2v", "num_layers": 3, "text_len": 512})");
}

}  // namespace reel::test
