// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/strangers.h"

#include <string>

namespace reel::checkpoint {
namespace {

// The first row that fits decides, so special ones stand above general ones.
// Source: the state dicts of these models, as ComfyUI's comfy/model_detection.py tells them apart.
constexpr Stranger kStrangers[] = {
    {"casual_audio_encoder.", "the speech-to-video model of Wan 2.2", true},
    {"face_adapter.", "the character animation model of Wan 2.2", true},
    {"motion_encoder.enc.", "the character animation model of Wan 2.2", true},
    {"pose_patch_embedding.", "the character animation model of Wan 2.2", true},
    {"audio_injector.", "the speech-to-video model of Wan 2.2", true},
    {"patch_embedding_pose.", "a character animation model made from Wan", true},
    {"control_adapter.", "a camera control model made from Wan", true},
    {"audio_proj.", "a speech-to-video model made from Wan", true},
    {"ref_conv.weight", "a reference control model made from Wan", true},
    {"img_emb.emb_pos", "the first-and-last-frame model of Wan 2.1", true},
    {"img_emb.proj.", "an image-to-video model of Wan 2.1", true},
    {".cross_attn.k_img.", "an image-to-video model of Wan 2.1", true},
    {"condition_embedder.image_embedder.", "an image-to-video model of Wan 2.1", true},
    {"txt_in.individual_token_refiner.", "the DiT of HunyuanVideo", false},
    {"context_embedder.token_refiner.", "the DiT of HunyuanVideo", false},
    {"img_attn_qkv.", "the DiT of HunyuanVideo", false},
    {"img_attn_q.", "the DiT of HunyuanVideo", false},
    {"txt_norm.weight", "the DiT of Qwen-Image", false},
    {".img_mod.1.weight", "the DiT of Qwen-Image", false},
    {"double_blocks.", "the DiT of Flux", false},
    {"single_transformer_blocks.", "the DiT of Flux", false},
    {"joint_blocks.", "the DiT of Stable Diffusion 3", false},
    {"pos_embed_input.", "the DiT of Stable Diffusion 3", false},
    {"patchify_proj.", "the DiT of LTX-Video", false},
    {"adaln_single.", "the DiT of LTX-Video or PixArt", false},
    {"t5_yproj.", "the DiT of Mochi", false},
    {"adaln_modulation_self_attn.", "the DiT of Cosmos", false},
    {"noise_refiner.", "the DiT of Z-Image or Lumina", false},
    {"input_blocks.0.0.weight", "the U-Net of Stable Diffusion", false},
    {"down_blocks.0.attentions.0.transformer_blocks.", "the U-Net of Stable Diffusion", false},
    {"patch_embed.proj.weight", "the DiT of CogVideoX or a relative", false},
    {"lora_down.weight", "a LoRA", false},
    {"lora_A.", "a LoRA", false},
    {"lora.down.weight", "a LoRA", false},
};

}  // namespace

const Stranger* find_stranger(const formats::TensorFile& file) {
  for (const Stranger& stranger : kStrangers) {
    for (const formats::TensorEntry& entry : file.entries()) {
      if (entry.name.find(stranger.mark) != std::string::npos) return &stranger;
    }
  }
  return nullptr;
}

}  // namespace reel::checkpoint
