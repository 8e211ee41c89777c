// SPDX-License-Identifier: Apache-2.0
// Models with something missing, models of other kinds, and parts that do not belong together.
#include <reel/synth.h>

#include "e2e/damage.h"
#include "e2e/scene.h"
#include "unit/checkpoint/made_up.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

// A single file as the model.
void use_file(Scene& scene, const Specs& tensors, const std::string& name = "m.safetensors",
              const Metadata& metadata = {}) {
  write_tensors(scene / name, tensors, metadata);
  scene.generate({"--model", name});
}

void use_tensor(Scene& scene, const std::string& name) {
  use_file(scene, {{name, DType::kBF16, {8, 8}}});
}

// The scene's model, 128 wide, with a LoRA that is nothing but zeros.
void add_lora(Scene& scene, const Specs& tensors) {
  write_tensors(scene / "l.safetensors", tensors);
  scene.generate({"--lora", "l.safetensors"});
}

Specs lora_of_width(int64_t width, const std::string& module = "blocks.0.self_attn.q") {
  return {{module + ".lora_up.weight", DType::kF32, {width, 4}},
          {module + ".lora_down.weight", DType::kF32, {4, width}}};
}

Specs with_channels(int64_t channels) {
  Specs tensors = dit_tensors();
  tensors[0].shape = {kDim, channels, 1, 2, 2};
  return tensors;
}

}  // namespace

std::vector<Case> model_cases() {
  return {
      {"no-such-model",
       [](Scene& s) {
         s.generate({"--model", "modle"});
       }},
      {"empty-folder",
       [](Scene& s) {
         fs::create_directory(s / "empty");
         s.generate({"--model", "empty"});
       }},
      {"missing-block", [](Scene& s) { fs::remove(s / kBlock); }},
      {"missing-middle-block",
       [](Scene& s) {
         write_per_block(s / "m", with_row_scales(dit_tensors(DType::kF8E4M3)));
         for (const char* part : {kTextEncoder, kVae}) fs::copy(s / part, s / "m");
         fs::copy(s / "model/google", s / "m/google", fs::copy_options::recursive);
         fs::remove(s / "m/block_1.safetensors");
         s.generate({"--model", "m"});
       }},
      {"missing-non-block", [](Scene& s) { fs::remove(s / kNonBlock); }},
      {"missing-tensor",
       [](Scene& s) {
         edit_header(s / kNonBlock, [](nlohmann::json& header) {
           header["head.other"] = header["head.head.bias"];
           header.erase("head.head.bias");
         });
       }},
      {"missing-text-encoder", [](Scene& s) { fs::remove(s / kTextEncoder); }},
      {"missing-vae", [](Scene& s) { fs::remove(s / kVae); }},
      {"missing-tokenizer", [](Scene& s) { fs::remove_all(s / "model/google"); }},
      {"vae-is-a-folder",
       [](Scene& s) {
         fs::remove(s / kVae);
         fs::create_directory(s / kVae);
       }},
      {"no-such-text-encoder",
       [](Scene& s) {
         s.generate({"--text-encoder", "t5.pth"});
       }},
      {"no-such-vae",
       [](Scene& s) {
         s.generate({"--vae", "vae.pth"});
       }},
      {"no-such-tokenizer",
       [](Scene& s) {
         s.generate({"--tokenizer", "spiece.model"});
       }},
      {"vae-as-text-encoder",
       [](Scene& s) {
         s.generate({"--text-encoder", kVae});
       }},
      {"text-encoder-as-model",
       [](Scene& s) {
         fs::rename(s / kTextEncoder, s / "t5.pth");
         s.generate({"--model", "t5.pth"});
       }},
      {"config-as-tokenizer",
       [](Scene& s) {
         s.generate({"--tokenizer", "model/config.json"});
       }},
      {"absent-variant",
       [](Scene& s) {
         s.generate({"--variant", "bf16"});
       }},
      {"text-width-of-another-model",
       [](Scene& s) {
         fs::rename(s / kTextEncoder, s / "other.pth");
         SynthRequest request{.out = s / "wide"};
         request.dim = request.ffn_dim = request.text_dim = request.t5_ffn_dim = 128;
         request.layers = request.t5_layers = 1;
         request.vae_base = 8;
         synthesize(request);
         fs::copy(s / "wide/distill_fp8/models_t5_umt5-xxl-enc-fp8.pth", s / kTextEncoder);
         fs::remove_all(s / "wide");
       }},
      {"image-to-video-channels", [](Scene& s) { use_file(s, with_channels(36)); }},
      {"image-to-video-names",
       [](Scene& s) {
         use_file(s, dit_tensors() + Specs{{"img_emb.proj.0.weight", DType::kBF16, {8}}});
       }},
      {"wan22-5b", [](Scene& s) { use_file(s, with_channels(48)); }},
      {"wan22-a14b-name",
       [](Scene& s) { use_file(s, dit_tensors(), "wan_t2v_high_noise_14B.safetensors"); }},
      {"wan22-a14b-metadata",
       [](Scene& s) {
         use_file(s, dit_tensors(), "m.safetensors", {{"title", "Wan2.2 T2V"}});
       }},
      {"hunyuan-video", [](Scene& s) { use_tensor(s, "double_blocks.0.img_attn_qkv.weight"); }},
      {"qwen-image", [](Scene& s) { use_tensor(s, "transformer_blocks.0.img_mod.1.weight"); }},
      {"flux", [](Scene& s) { use_tensor(s, "double_blocks.0.img_attn.qkv.weight"); }},
      {"lora-missing",
       [](Scene& s) {
         s.generate({"--lora", "l.safetensors"});
       }},
      {"lora-is-a-model",
       [](Scene& s) {
         s.generate({"--lora", kBlock});
       }},
      {"lora-of-another-size", [](Scene& s) { add_lora(s, lora_of_width(5120)); }},
      {"lora-of-another-network",
       [](Scene& s) { add_lora(s, lora_of_width(128, "double_blocks.0.img_attn.qkv")); }},
      {"lora-of-other-blocks", [](Scene& s) { add_lora(s, lora_of_width(128, "blocks.7.ffn.0")); }},
      {"lora-half-a-pair",
       [](Scene& s) {
         add_lora(s, {{"blocks.0.self_attn.q.lora_down.weight", DType::kF32, {4, 128}}});
       }},
      {"lora-ranks-differ",
       [](Scene& s) {
         Specs lora = lora_of_width(128);
         lora[0].shape = {128, 8};
         add_lora(s, lora);
       }},
      {"lora-int8",
       [](Scene& s) {
         Specs lora = lora_of_width(128);
         lora[0].dtype = DType::kI8;
         add_lora(s, lora);
       }},
      {"lora-of-text-encoder",
       [](Scene& s) {
         add_lora(s, lora_of_width(128) + lora_of_width(64, "text_encoder.blocks.0.attn.q"));
       }},
      {"lora-dora",
       [](Scene& s) {
         add_lora(s, lora_of_width(128) +
                         Specs{{"blocks.0.self_attn.q.dora_scale", DType::kF32, {128}}});
       }},
      {"lora-nan",
       [](Scene& s) {
         write_tensors(s / "l.safetensors", lora_of_width(128));
         fill_with_nan(s / "l.safetensors", "blocks.0.self_attn.q.lora_up.weight");
         s.generate({"--lora", "l.safetensors"});
       }},
      {"lora-cut",
       [](Scene& s) {
         write_tensors(s / "l.safetensors", lora_of_width(128));
         cut_in_half(s / "l.safetensors");
         s.generate({"--lora", "l.safetensors"});
       }},
      {"lora-as-model", [](Scene& s) { use_tensor(s, "blocks.0.self_attn.q.lora_down.weight"); }},
      {"nvfp4",
       [](Scene& s) {
         use_file(s, dit_tensors(DType::kU8) +
                         Specs{{"blocks.0.ffn.0.weight_scale_2", DType::kF32, {}}});
       }},
      {"mxfp8",
       [](Scene& s) {
         use_file(s, dit_tensors(DType::kF8E4M3) +
                         Specs{{"blocks.0.ffn.2.weight_scale", DType::kU8, {kDim, 2}}});
       }},
      {"int8-without-scales", [](Scene& s) { use_file(s, dit_tensors(DType::kI8)); }},
      {"two-models-in-a-folder",
       [](Scene& s) {
         write_tensors(s / "m/a.safetensors", with_row_scales(dit_tensors(DType::kF8E4M3)));
         write_tensors(s / "m/b.safetensors", dit_tensors());
         s.generate({"--model", "m"});
       }},
      {"blocks-of-two-precisions",
       [](Scene& s) {
         write_per_block(s / "m", with_row_scales(dit_tensors(DType::kF8E4M3)));
         write_tensors(s / "m/block_1.safetensors", only(dit_tensors(), "blocks.1."));
         s.generate({"--model", "m"});
       }},
      {"t5-instead-of-umt5",
       [](Scene& s) {
         Specs t5;
         for (const auto& spec : text_encoder_tensors()) {
           if (!spec.name.starts_with("blocks.1.pos_embedding")) t5.push_back(spec);
         }
         write_tensors(s / "t5xxl.safetensors", t5);
         s.generate({"--text-encoder", "t5xxl.safetensors"});
       }},
      {"vae-of-wan22",
       [](Scene& s) {
         write_tensors(s / "wan2.2_vae.safetensors", vae_tensors(48));
         s.generate({"--vae", "wan2.2_vae.safetensors"});
       }},
      {"tae-of-wan22",
       [](Scene& s) {
         write_tensors(s / "taew2_2.pth", tae_tensors(48));
         s.generate({"--vae", "taew2_2.pth"});
       }},
      {"tae-of-hunyuan",
       [](Scene& s) {
         write_tensors(s / "taehv.safetensors", tae_tensors());
         s.generate({"--vae", "taehv.safetensors"});
       }},
      {"tae-without-a-tensor",
       [](Scene& s) {
         write_tensors(s / "tae.safetensors", without(tae_tensors(), "decoder.22.bias"));
         s.generate({"--vae", "tae.safetensors"});
       }},
      {"preview-decoder-is-a-vae",
       [](Scene& s) {
         s.generate({"--preview", "seen", "--preview-decoder", kVae});
       }},
      {"tae-latents-word",
       [](Scene& s) {
         write_tensors(s / "taew2_1.pth", tae_tensors());
         s.generate({"--vae", "taew2_1.pth", "--tae-latents", "raw"});
       }},
      {"vae-tiling-word",
       [](Scene& s) {
         s.generate({"--vae-tiling", "on"});
       }},
  };
}

}  // namespace reel::test
