// SPDX-License-Identifier: Apache-2.0
// Files as people mix them: each DiT of a table, as it is published and then with the text
// encoders, VAEs and LoRAs of other layouts, through inspect, plan and generate. What a clip's
// recipe says of its weights must be what the same files gave in every other clip.
#include <gtest/gtest.h>
#include <reel/engine.h>
#include <reel/inspect.h>
#include <reel/plan.h>
#include <reel/synth.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "formats/safetensors_writer.h"
#include "formats/tensor_file.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// SPEC 3.1, A to H, and every type of GGUF file.
constexpr const char* kStoredLayouts[] = {
    "distill_fp8", "distill_int8", "bf16",        "official",    "comfy_fp8",   "diffusers",
    "gguf:f32",    "gguf:f16",     "gguf:bf16",   "gguf:q8_0",   "gguf:q4_0",   "gguf:q4_1",
    "gguf:q5_0",   "gguf:q5_1",    "gguf:q2_k",   "gguf:q3_k_s", "gguf:q3_k_m", "gguf:q3_k_l",
    "gguf:q4_k_s", "gguf:q4_k_m",  "gguf:q5_k_s", "gguf:q5_k_m", "gguf:q6_k"};
// SPEC 3.6: every way in which keys are written.
constexpr const char* kLoraStyles[] = {"lightx2v",     "kohya",        "comfy",         "processor",
                                       "peft",         "diffusers",    "old_diffusers", "bare",
                                       "linear_layer", "peft_default", "full"};
// Where each layout with a form of its own has its text encoder and its VAE.
constexpr const char* kTextEncoders[] = {
    "distill_fp8/distill_fp8/models_t5_umt5-xxl-enc-fp8.pth",
    "distill_int8/distill_int8/models_t5_umt5-xxl-enc-int8.pth",
    "official/models_t5_umt5-xxl-enc-bf16.pth",
    "comfy_fp8/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors",
    "diffusers/text_encoder",
    "gguf:q8_0/umt5-xxl-encoder-Q8_0.gguf",
    "gguf:q4_k_m/umt5-xxl-encoder-Q4_K_M.gguf"};
// And what decodes in the VAE's place.
constexpr const char* kDecoders[] = {"decoder:taew2_1.pth", "decoder:lightvaew2_1.safetensors"};
constexpr const char* kVaes[] = {"official/Wan2.1_VAE.pth",
                                 "comfy_fp8/vae/wan_2.1_vae.safetensors",
                                 "diffusers/vae",
                                 "gguf:q8_0/Wan2.1_VAE.safetensors",
                                 "decoder:taew2_1.pth/taew2_1.pth",
                                 "decoder:lightvaew2_1.safetensors/lightvaew2_1.safetensors"};
constexpr const char* kTokenizer = "official/google/umt5-xxl";
constexpr const char* kSingleFp8 = "wan2.1_t2v_scaled_fp8_e4m3_lightx2v_4step.safetensors";

// SPEC 3.1 C: the tensors of a folder of FP8 blocks in one file.
void write_single_file(const fs::path& folder, const fs::path& out) {
  std::vector<std::unique_ptr<formats::TensorFile>> files;
  std::vector<formats::TensorSpec> specs;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    files.push_back(formats::open_tensor_file(entry.path()));
    for (const formats::TensorEntry& tensor : files.back()->entries()) {
      specs.push_back({tensor.name, tensor.dtype, tensor.shape});
    }
  }
  const auto writer = formats::start_safetensors(out, specs, {{"format", "pt"}});
  for (const auto& file : files) {
    for (const formats::TensorEntry& tensor : file->entries()) {
      std::vector<std::byte> bytes(tensor.size_bytes);
      file->read(tensor, bytes);
      writer->append(bytes);
    }
  }
  writer->commit();
}

// Two blocks of the smallest width that K-quants take.
SynthRequest tiny(const std::string& layout, const fs::path& out) {
  SynthRequest request{.layout = layout, .out = out, .seed = 8};
  request.dim = request.ffn_dim = request.text_dim = request.t5_ffn_dim = 256;
  request.layers = 2;
  request.t5_layers = 1;
  request.t5_vocab = 512;
  request.vae_base = 8;
  request.width_px = request.height_px = 16;
  request.frames = 1;
  return request;
}

class Combinations : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TempFolder>();
    ::setenv("XDG_STATE_HOME", (*folder_ / "state").c_str(), 1);
    for (const char* layout : kStoredLayouts) synthesize(tiny(layout, *folder_ / layout));
    for (const char* layout : kDecoders) synthesize(tiny(layout, *folder_ / layout));
    for (const char* style : kLoraStyles) {
      const fs::path out = *folder_ / "lora" / style;
      loras_.push_back(out / synthesize(tiny(std::string("lora:") + style, out)).files[0].name);
    }
    write_single_file(*folder_ / "distill_fp8/distill_fp8", *folder_ / kSingleFp8);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  // inspect, plan and generate; the weights that the recipe names.
  static json run(const ModelOptions& model) {
    const Inspection inspected = inspect(model);
    EXPECT_TRUE(inspected.is_complete);
    EXPECT_TRUE(inspected.missing.empty());
    for (const NetworkInfo& network : inspected.networks) {
      EXPECT_TRUE(network.problems.empty()) << network.network << ": " << network.problems[0];
    }
    PlanRequest request{.model = model, .as_gpu = "RTX 4070"};
    request.model.vram_bytes = uint64_t{8} << 30;
    const Plan plan = make_plan(request);
    EXPECT_TRUE(plan.fits) << plan.refusal;

    Progress progress;
    VideoRequest video{.prompt = "a red ball", .frames_only = true};
    video.sampling.seed = 1;
    video.sampling.steps = 1;
    const VideoResult made = Engine(model).generate(video, progress);
    EXPECT_EQ(made.frames, 1);
    return json::parse(made.recipe_json).at("model");
  }

  // The digest of these files, the same in every clip and no other file's.
  static void expect_digest(const std::string& part, const json& digest) {
    const auto [known, is_new] = digests_.emplace(part, digest.get<std::string>());
    EXPECT_EQ(known->second, digest.get<std::string>()) << part;
  }

  static ModelOptions options(const std::string& model) {
    return {.model = *folder_ / model, .device = "cpu"};
  }

  static std::unique_ptr<test::TempFolder> folder_;
  static std::vector<std::string> loras_;
  static std::map<std::string, std::string> digests_;
};

std::unique_ptr<test::TempFolder> Combinations::folder_;
std::vector<std::string> Combinations::loras_;
std::map<std::string, std::string> Combinations::digests_;

// As published: nothing is named but the folder, which has its tokenizer somewhere.
TEST_F(Combinations, EveryLayoutIsWhole) {
  for (const char* layout : kStoredLayouts) {
    SCOPED_TRACE(layout);
    const json weights = run(options(layout));
    expect_digest(layout, weights.at("dit"));
    EXPECT_TRUE(weights.at("loras").empty());
  }
}

// Every DiT meets every text encoder and every VAE, and LoRAs of all styles in turn.
TEST_F(Combinations, EveryDitTakesPartsOfOtherLayouts) {
  std::vector<std::string> dits(std::begin(kStoredLayouts), std::end(kStoredLayouts));
  dits.emplace_back(kSingleFp8);
  size_t made = 0;
  for (size_t row = 0; row < dits.size(); ++row) {
    // Types of GGUF differ in their blocks' format alone: one combination each, but for q8_0.
    const bool is_one_of_many = dits[row].starts_with("gguf:") && dits[row] != "gguf:q8_0";
    const size_t end = row + (is_one_of_many ? 1 : std::size(kTextEncoders));
    for (size_t at = row; at < end; ++at, ++made) {
      const std::string text_encoder = kTextEncoders[at % std::size(kTextEncoders)];
      const std::string vae = kVaes[at % std::size(kVaes)];
      const size_t lora = made % loras_.size();
      ModelOptions model = options(dits[row]);
      model.text_encoder = *folder_ / text_encoder;
      model.vae = *folder_ / vae;
      model.tokenizer = *folder_ / kTokenizer;
      model.loras = {{.path = loras_[lora], .strength = 0.5f}};
      SCOPED_TRACE(dits[row] + ", " + text_encoder + ", " + vae + ", " + loras_[lora]);

      const json weights = run(model);

      expect_digest(dits[row], weights.at("dit"));
      expect_digest(text_encoder, weights.at("text_encoder"));
      expect_digest(vae, weights.at("vae"));
      ASSERT_EQ(weights.at("loras").size(), 1u);
      expect_digest(loras_[lora], weights.at("loras")[0].at("digest"));
      EXPECT_EQ(weights.at("loras")[0].at("strength"), 0.5f);
    }
  }
  EXPECT_EQ(digests_.size(),
            dits.size() + std::size(kTextEncoders) + std::size(kVaes) + std::size(kLoraStyles));
}

}  // namespace
}  // namespace reel
