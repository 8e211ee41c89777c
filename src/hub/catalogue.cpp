// SPDX-License-Identifier: Apache-2.0
// Repositories and file names as their listings and LightX2V's model guide name them
// (ModelTC/LightX2V docs/EN/source/deploy_guides/model_structure.md). Sizes: what those files have,
// or follow from the number of weights and their width.
#include "hub/catalogue.h"

#include <algorithm>

#include "base/error.h"

namespace reel::hub {
namespace {

constexpr const char* kStepDistill = "lightx2v/Wan2.1-T2V-14B-StepDistill-CfgDistill-Lightx2v";
constexpr const char* kDistillModels = "lightx2v/Wan2.1-Distill-Models";
constexpr const char* kEncoders = "lightx2v/Encoders-Lightx2v";
constexpr const char* kWan14B = "Wan-AI/Wan2.1-T2V-14B";
constexpr const char* kSmallWan = "Wan-AI/Wan2.1-T2V-1.3B";
constexpr const char* kComfy = "Comfy-Org/Wan_2.1_ComfyUI_repackaged";
constexpr const char* kGguf = "QuantStack/Wan2.1_T2V_14B_LightX2V_StepCfgDistill_VACE-GGUF";
constexpr const char* kGgufEncoder = "city96/umt5-xxl-encoder-gguf";

constexpr double kMB = 1e6;
constexpr double kVae = 508, kTokenizer = 22;  // MB
constexpr double kEncoder8 = 6733, kEncoder16 = 11362;
constexpr double kDit8 = 15001, kDit16 = 28577;

uint64_t about(double megabytes) { return static_cast<uint64_t>((megabytes + kTokenizer) * kMB); }

CataloguePart tokenizer(const char* own = kWan14B) {
  return {.what = "the tokenizer",
          .sources = {{own, "google/umt5-xxl/*"}, {kWan14B, "google/umt5-xxl/*"}}};
}

CataloguePart vae() { return {.what = "the VAE", .sources = {{kWan14B, "Wan2.1_VAE.pth"}}}; }

CataloguePart config(const char* repository) {
  return {
      .what = "the configuration", .sources = {{repository, "config.json"}}, .is_optional = true};
}

// distill_fp8/ and distill_int8/: a file for every block.
CatalogueEntry block_folder(const char* precision, std::string summary) {
  static const std::vector<std::string> patterns = [] {  // what sources point into
    std::vector<std::string> all;
    for (const char* each : {"fp8", "int8"}) {
      const std::string folder = str_cat("distill_", each, '/');
      all.push_back(folder + "*.safetensors");
      all.push_back(folder + "*.json");
      all.push_back(str_cat(folder, "models_t5_umt5-xxl-enc-", each, ".pth"));
      all.push_back(str_cat("models_t5_umt5-xxl-enc-", each, ".pth"));
      all.push_back(folder + "Wan2.1_VAE.pth");
    }
    return all;
  }();
  const std::string* own = &patterns[precision == std::string_view("fp8") ? 0 : 5];
  return {
      .name = str_cat("wan2.1-t2v-14b-", precision),
      .summary = std::move(summary),
      .about_bytes = about(kDit8 + kEncoder8 + kVae),
      .parts = {{"the DiT", {{kStepDistill, own[0].c_str()}}},
                {"the index of the DiT", {{kStepDistill, own[1].c_str()}}, true},
                {"the text encoder", {{kStepDistill, own[2].c_str()}, {kEncoders, own[3].c_str()}}},
                {"the VAE", {{kStepDistill, own[4].c_str()}, {kWan14B, "Wan2.1_VAE.pth"}}},
                tokenizer(kStepDistill),
                config(kStepDistill)}};
}

CatalogueEntry bf16_folder() {
  return {
      .name = "wan2.1-t2v-14b-bf16",
      .summary = "4-step distilled 14B in BF16, as one file (LightX2V)",
      .about_bytes = about(kDit16 + kEncoder16 + kVae),
      .parts = {{"the DiT", {{kStepDistill, "distill_models/*.safetensors"}}},
                {"the text encoder",
                 {{kStepDistill, "distill_models/models_t5_umt5-xxl-enc-bf16.pth"},
                  {kWan14B, "models_t5_umt5-xxl-enc-bf16.pth"}}},
                {"the VAE",
                 {{kStepDistill, "distill_models/Wan2.1_VAE.pth"}, {kWan14B, "Wan2.1_VAE.pth"}}},
                tokenizer(kStepDistill),
                config(kStepDistill)}};
}

// The newer repository: all blocks in one file.
CatalogueEntry single_file(std::string name, std::string summary, const char* file,
                           const char* encoder, double megabytes) {
  return {.name = std::move(name),
          .summary = std::move(summary),
          .about_bytes = about(megabytes + kVae),
          .parts = {{"the DiT", {{kDistillModels, file}}},
                    {"the text encoder", {{kEncoders, encoder}, {kWan14B, encoder}}},
                    vae(),
                    tokenizer()}};
}

CatalogueEntry comfy_fp8() {
  constexpr const char* kSplit = "split_files/";
  return {
      .name = "wan2.1-t2v-14b-comfy-fp8",
      .summary = "the same in ComfyUI's scaled FP8, with ComfyUI's text encoder and VAE",
      .about_bytes = about(14540 + 6736 + 254),
      .parts = {
          {"the DiT",
           {{kDistillModels, "wan2.1_t2v_14b_scaled_fp8_e4m3_lightx2v_4step_comfyui.safetensors",
             "", "diffusion_models/"}}},
          {"the text encoder",
           {{kComfy, "split_files/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors", kSplit}}},
          {"the VAE", {{kComfy, "split_files/vae/wan_2.1_vae.safetensors", kSplit}}},
          tokenizer()}};
}

struct GgufType {
  const char* name;
  const char* file;
  double megabytes;
};

// Community files of the distilled model; their VACE tensors are left alone.
CatalogueEntry gguf(const GgufType& type) {
  return {
      .name = str_cat("wan2.1-t2v-14b-gguf-", type.name),
      .summary =
          str_cat("4-step distilled 14B as GGUF ", type.name, " (QuantStack), text encoder Q8_0"),
      .about_bytes = about(type.megabytes + 6040 + 254),
      .parts = {{"the DiT", {{kGguf, type.file, "", "diffusion_models/"}}},
                {"the text encoder",
                 {{kGgufEncoder, "umt5-xxl-encoder-Q8_0.gguf", "", "text_encoders/"}}},
                {"the VAE", {{kComfy, "split_files/vae/wan_2.1_vae.safetensors", "split_files/"}}},
                tokenizer()}};
}

CatalogueEntry official(std::string name, std::string summary, const char* repository,
                        double megabytes) {
  return {.name = std::move(name),
          .summary = std::move(summary),
          .about_bytes = about(megabytes + kEncoder16 + kVae),
          .parts = {{"the DiT", {{repository, "diffusion_pytorch_model*"}}},
                    {"the text encoder", {{repository, "models_t5_umt5-xxl-enc-bf16.pth"}}},
                    {"the VAE", {{repository, "Wan2.1_VAE.pth"}}},
                    tokenizer(repository),
                    config(repository)}};
}

std::vector<CatalogueEntry> make_catalogue() {
  static constexpr GgufType kTypes[] = {
      {"q3_k_m", "*-Q3_K_M.gguf", 8600},  {"q4_k_m", "*-Q4_K_M.gguf", 11630},
      {"q5_k_m", "*-Q5_K_M.gguf", 13000}, {"q6_k", "*-Q6_K.gguf", 14800},
      {"q8_0", "*-Q8_0.gguf", 19000},
  };
  std::vector<CatalogueEntry> all;
  all.push_back(block_folder("fp8", "4-step distilled 14B in FP8, block by block (LightX2V)"));
  all.push_back(block_folder("int8", "the same in INT8"));
  all.push_back(bf16_folder());
  all.push_back(single_file("wan2.1-t2v-14b-4step-fp8", "newer 4-step distilled 14B, one FP8 file",
                            "wan2.1_t2v_14b_scaled_fp8_e4m3_lightx2v_4step.safetensors",
                            "models_t5_umt5-xxl-enc-fp8.pth", kDit8 + kEncoder8));
  all.push_back(single_file("wan2.1-t2v-14b-4step-int8", "the same in INT8",
                            "wan2.1_t2v_14b_int8_lightx2v_4step.safetensors",
                            "models_t5_umt5-xxl-enc-int8.pth", kDit8 + kEncoder8));
  all.push_back(single_file("wan2.1-t2v-14b-4step-bf16", "the same in BF16",
                            "wan2.1_t2v_14b_lightx2v_4step.safetensors",
                            "models_t5_umt5-xxl-enc-bf16.pth", kDit16 + kEncoder16));
  all.push_back(comfy_fp8());
  for (const GgufType& type : kTypes) all.push_back(gguf(type));
  all.push_back(official("wan2.1-t2v-1.3b", "undistilled 1.3B of Wan-AI", kSmallWan, 5676));
  all.push_back(official("wan2.1-t2v-14b-base", "undistilled 14B of Wan-AI", kWan14B, 57154));
  return all;
}

}  // namespace

std::span<const CatalogueEntry> catalogue_entries() {
  static const std::vector<CatalogueEntry> entries = make_catalogue();
  return entries;
}

const CatalogueEntry* find_in_catalogue(std::string_view name) {
  const auto entries = catalogue_entries();
  const auto found = std::ranges::find(entries, name, &CatalogueEntry::name);
  return found == entries.end() ? nullptr : &*found;
}

std::string local_path(const CatalogueSource& source, const std::string& path) {
  const std::string strip = source.strip;
  return source.folder + (path.starts_with(strip) ? path.substr(strip.size()) : path);
}

}  // namespace reel::hub
