// SPDX-License-Identifier: Apache-2.0
// Which networks a path holds: every tensor under the name our models use, whatever the layout.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/name_table.h"
#include "core/shape.h"
#include "formats/tensor_file.h"

namespace reel::checkpoint {

// kTae: a tiny autoencoder, which decodes in the VAE's place.
enum class Network { kDit, kTextEncoder, kVae, kTae };
const char* network_name(Network network);  // "DiT", "text encoder", "VAE", "TAE"

// What a LoRA adds to a tensor: factor * up * down, or factor * up where there is no `down`.
struct Delta {
  std::shared_ptr<const formats::TensorFile> file;
  const formats::TensorEntry* up = nullptr;    // [out, rank], or as many numbers as the tensor
  const formats::TensorEntry* down = nullptr;  // [rank, in]; null for a full delta
  int64_t rank = 0;                            // 0 for a full delta
  float factor = 1;
};

// Where one tensor's numbers are. Value = stored number * scale of its row + deltas, in their
// order.
struct StoredTensor {
  std::shared_ptr<const formats::TensorFile> file;
  const formats::TensorEntry* entry = nullptr;
  // f32, bf16 or f16 numbers: one per tensor or one per row of the first axis; null for none.
  std::shared_ptr<const formats::TensorFile> scale_file;
  const formats::TensorEntry* scale = nullptr;
  std::vector<Delta> deltas;
  // TreeDigest of the numbers and the scale's behind them, where the file tells (a slab); or empty.
  std::string digest;
};

// One network found on disk. Tensors carry the names of models/<network>/names.cpp (Wan's own).
struct Component {
  Network network = Network::kDit;
  std::string layout;  // "per-block FP8 (LightX2V)", "ComfyUI scaled FP8", "GGUF", "diffusers", ...
  std::string precision;       // of its matrices: "fp8", "int8", "bf16", "f16", "f32", "q4_k", ...
  std::filesystem::path path;  // the file or folder it was found in
  std::vector<std::string> evidence;  // "blocks.0.self_attn.norm_q.weight is there", ...
  std::map<std::string, StoredTensor, std::less<>> tensors;
  std::vector<std::string> unread;  // tensors left alone on purpose (VACE, encoder of the VAE)
  std::vector<std::string> absent_files;  // parts that its index names and that are not there
  int64_t expected_blocks = 0;            // as config.json says; 0 when it says nothing

  const StoredTensor* find(std::string_view name) const;
  // The shape of a tensor that must be there. Throws kNotFound naming it and `path`.
  const Shape& shape_of(std::string_view name) const;
};

enum class TokenizerFormat { kSpieceModel, kTokenizerJson, kEmbeddedProto, kGguf };

// Where the tokenizer is: a file of its own, or the tensor or metadata of a text-encoder file.
struct TokenizerSource {
  TokenizerFormat format = TokenizerFormat::kSpieceModel;
  std::filesystem::path path;
  std::string tensor;  // kEmbeddedProto: the name of the u8 tensor that holds the proto
};

enum class Verdict { kDistilled, kBase };

// What config.json says beyond shapes; empty where it says nothing.
struct ModelSettings {
  std::optional<int64_t> width_px, height_px, frames;  // "reel": {"width", "height", "frames"}
  std::string display_name;                            // "reel": {"name"}
  std::string example_prompt;
  // "reel": {"latent_rgb"}: the colours of one unit of each latent channel, then a constant.
  std::optional<std::array<std::array<float, 3>, 17>> latent_rgb;
  std::optional<int64_t> text_len;
  std::optional<int64_t> dim, layers;  // of the DiT; what the tensors say stands above it
};

// A LoRA file and how much of it is added.
struct LoraChoice {
  std::filesystem::path path;
  float strength = 1;
};

// A LoRA whose changes are among the deltas of the DiT's tensors.
struct AppliedLora {
  std::shared_ptr<const formats::TensorFile> file;
  float strength = 1;
};

struct Checkpoint {
  std::filesystem::path path;  // as given
  std::optional<Component> dit, text_encoder;
  std::optional<Component> vae;      // what decodes: a VAE or a TAE
  std::optional<Component> preview;  // a TAE, where one is given
  std::optional<TokenizerSource> tokenizer;
  Verdict verdict = Verdict::kDistilled;
  std::string verdict_evidence;  // "the folder is called distill_fp8"
  ModelSettings settings;
  std::filesystem::path config;    // where the settings are from, or empty
  std::vector<AppliedLora> loras;  // in the order in which they are added
  // One sentence per decision a user may wonder about: "3 precisions found, fp8 chosen: ...".
  std::vector<std::string> notes;
  // One sentence per thing that will work, but not as asked: tensors of a LoRA without a place.
  std::vector<std::string> warnings;
  // One sentence per thing that was looked for and not found, with every place looked at.
  std::vector<std::string> missing;
};

struct OpenOptions {
  std::filesystem::path model;
  // Empty: found from `model`. `vae` may be a TAE.
  std::filesystem::path text_encoder, vae, tokenizer;
  std::filesystem::path preview;  // a TAE, or empty
  std::string variant;            // "fp8", "int8", "bf16", or empty
  std::optional<Verdict> kind;
  // Added to the DiT in this order. Evidence too: a distillation LoRA may be one.
  std::vector<LoraChoice> loras;
  // A slab beside the checkpoint stands for the files that it was made from.
  bool use_slabs = true;
};

// Finds and classifies everything; reads headers only, and the alphas of LoRAs.
//
// Throws kNotFound when the path does not exist or holds no network at all, kBadFile for damaged
// files, kUnsupported for a network or precision that is known but not run here (image-to-video,
// Wan2.2 experts, 5B, HunyuanVideo, Qwen-Image, NVFP4, MXFP8), naming what runs instead. A part
// that is merely missing is an entry of `missing`. For LoRAs it throws as open_lora and add_lora.
Checkpoint open_checkpoint(const OpenOptions& options);

// Compares a network with what it needs: names and shapes. Throws kNotFound naming the first
// missing tensor (or block file) and how many are missing, kBadFile for a wrong shape.
void check_complete(const Component& component, const std::vector<NeededTensor>& needed);

// How many blocks there are: the tensors whose names begin with `prefix` ("blocks.") and an index.
// Throws kNotFound when one is missing: between others, in a file that the index names, or of those
// that config.json counts. Throws kBadFile for indexes that no network reaches.
int64_t block_count(const Component& component, std::string_view prefix);

}  // namespace reel::checkpoint
