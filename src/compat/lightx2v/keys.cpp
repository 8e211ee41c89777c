// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/keys.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace reel::compat::lightx2v {
namespace {

using enum KeyUse;

constexpr auto kKeys = std::to_array<Key>({
    {"model_cls", kUsed},
    {"task", kUsed},
    {"model_path", kUsed},
    {"infer_steps", kUsed},
    {"num_inference_steps", kUsed},
    {"denoising_step_list", kUsed},
    {"distill_method", kUsed},
    {"sample_shift", kUsed},
    {"sample_guide_scale", kUsed},
    {"enable_cfg", kUsed},
    {"target_video_length", kUsed},
    {"num_frames", kUsed},
    {"target_height", kUsed},
    {"target_width", kUsed},
    {"size", kUsed},
    {"fps", kUsed},
    {"text_len", kUsed},
    {"self_attn_1_type", kUsed},
    {"cross_attn_1_type", kUsed},
    {"dit_original_ckpt", kUsed},
    {"dit_quantized", kUsed},
    {"dit_quant_scheme", kUsed},
    {"dit_quantized_ckpt", kUsed},
    {"mm_config", kUsed},
    {"weight_auto_quant", kUsed},
    {"t5_original_ckpt", kUsed},
    {"t5_quantized", kUsed},
    {"t5_quant_scheme", kUsed},
    {"t5_quantized_ckpt", kUsed},
    {"t5_tokenizer_path", kUsed},
    {"vae_path", kUsed},
    {"vae_name", kUsed},
    {"use_lightvae", kUsed},
    {"use_tae", kUsed},
    {"tae_path", kUsed},
    {"need_scaled", kUsed},
    {"use_tiling_vae", kUsed},
    {"lora_configs", kUsed},
    {"cpu_offload", kMemory},
    {"offload_granularity", kMemory},
    {"t5_cpu_offload", kMemory},
    {"vae_cpu_offload", kMemory},
    {"clip_cpu_offload", kMemory},
    {"lazy_load", kMemory},
    {"t5_lazy_load", kMemory},
    {"unload_modules", kMemory},
    {"num_disk_workers", kMemory},
    {"offload_ratio", kMemory},
    {"max_memory", kMemory},
    {"t5_offload_granularity", kMemory},
    {"clean_cuda_cache", kMemory},
    {"empty_cache_min_free_gib", kMemory},
    {"empty_cache_min_reclaimable_gib", kMemory},
    {"rope_chunk", kMemory},
    {"rope_chunk_size", kMemory},
    {"rotary_chunk", kMemory},
    {"rotary_chunk_size", kMemory},
    {"use_stream_vae", kMemory},
    {"vae_offload_cache", kMemory},
    {"feature_caching", kRefused},
    {"changing_resolution", kRefused},
    {"video_frame_interpolation", kRefused},
    {"video_super_resolution", kRefused},
    {"disagg_mode", kRefused},
    {"enable_dynamic_cfg", kRefused},
    {"dummy_model", kRefused},
    {"cross_attn_2_type", kNoEffect},
    {"rms_norm_type", kNoEffect},
    {"layer_norm_type", kNoEffect},
    {"rope_type", kNoEffect},
    {"modulate_type", kNoEffect},
    {"vae_dtype", kNoEffect},
    {"vae_weight_dtype", kNoEffect},
    {"vae_stride", kNoEffect},
    {"patch_size", kNoEffect},
    {"clip_original_ckpt", kNoEffect},
    {"clip_quantized", kNoEffect},
    {"clip_quantized_ckpt", kNoEffect},
    {"clip_quant_scheme", kNoEffect},
    {"use_image_encoder", kNoEffect},
    {"coefficients", kNoEffect},
    {"teacache_thresh", kNoEffect},
    {"use_ret_steps", kNoEffect},
    {"magcache_calibration", kNoEffect},
    {"magcache_K", kNoEffect},
    {"magcache_thresh", kNoEffect},
    {"magcache_retention_ratio", kNoEffect},
    {"magcache_ratios", kNoEffect},
    {"residual_diff_threshold", kNoEffect},
    {"downsample_factor", kNoEffect},
    {"draft_attn_sparsity_ratio", kNoEffect},
    {"dynamic_sparse_attn_setting", kNoEffect},
    {"general_sparse_attn_setting", kNoEffect},
    {"nbhd_attn_setting", kNoEffect},
    {"rainfusion_attn_setting", kNoEffect},
    {"sol_attn_setting", kNoEffect},
    {"sparge", kNoEffect},
    {"sparge_ckpt", kNoEffect},
    {"sparge_attn_setting", kNoEffect},
    {"spas_flash_attn4_setting", kNoEffect},
    {"spas_sage_attn2_setting", kNoEffect},
    {"spas_sage_attn3_setting", kNoEffect},
    {"resolution_rate", kNoEffect},
    {"changing_resolution_steps", kNoEffect},
    {"lora_dynamic_apply", kNoEffect},
    {"cfg_scale", kNoEffect},
    {"parallel", kNoEffect},
    {"seq_parallel", kNoEffect},
    {"cfg_parallel", kNoEffect},
    {"tensor_parallel", kNoEffect},
    {"disagg_config", kNoEffect},
    {"load_from_rank0", kNoEffect},
    {"use_compile", kNoEffect},
    {"use_prompt_enhancer", kNoEffect},
    {"sub_servers", kNoEffect},
    {"warmup", kNoEffect},
    {"do_mm_calib", kNoEffect},
    {"enable_reuse", kNoEffect},
    {"use_bfloat16", kNoEffect},
    {"max_area", kNoEffect},
    {"resize_mode", kNoEffect},
    {"aspect_ratio", kNoEffect},
    {"support_tasks", kNoEffect},
    {"return_result_tensor", kNoEffect},
    {"seed", kNoEffect},
    {"prompt", kNoEffect},
    {"negative_prompt", kNoEffect},
    {"save_result_path", kNoEffect},
    {"target_shape", kNoEffect},
    {"config_json", kNoEffect},
});

bool is_on(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return value != "" && value != "NoCaching";
  if (value.is_number()) return value != 0;
  return !value.empty();
}

// Why, and what to write instead.
struct Refusal {
  std::string_view key, cause, instead;
};

constexpr auto kRefusals = std::to_array<Refusal>({
    {"feature_caching", "skips work between steps and changes the result", "NoCaching is possible"},
    {"changing_resolution", "samples the first steps at another size", "false is possible"},
    {"video_frame_interpolation", "adds frames after decoding", "Reel writes the model's frames"},
    {"video_super_resolution", "enlarges frames after decoding", "Reel writes the model's frames"},
    {"disagg_mode", "makes one stage of a clip alone", "encode-text, denoise and decode do that"},
    {"enable_dynamic_cfg", "belongs to other checkpoints", "false is possible"},
    {"dummy_model", "replaces the weights", "reel synth writes a random model"},
});

}  // namespace

std::span<const Key> keys() { return kKeys; }

const Key* find_key(std::string_view name) {
  const auto found = std::ranges::find(kKeys, name, &Key::name);
  return found == kKeys.end() ? nullptr : &*found;
}

const char* use_name(KeyUse use) {
  switch (use) {
    case kUsed: return "used";
    case kMemory: return "memory";
    case kNoEffect: return "no effect";
    case kRefused: return "refused when on";
  }
  return "";
}

void refuse_what_changes_the_result(const Settings& settings) {
  for (const Refusal& refusal : kRefusals) {
    const Setting* setting = find(settings, refusal.key);
    if (setting == nullptr) continue;
    REEL_REQUIRE(
        !is_on(setting->value), kUnsupported,
        str_cat(described(refusal.key, *setting), ", which ", refusal.cause, "; Reel has no such."),
        str_cat(refusal.instead, ": leave the key out, or --set ", refusal.key, "=null."));
  }
}

std::vector<std::string> names_with(const Settings& settings, KeyUse use) {
  std::vector<std::string> names;
  for (const auto& [name, setting] : settings) {
    const Key* key = find_key(name);
    if (key != nullptr && key->use == use && !setting.value.is_null()) names.push_back(name);
  }
  return names;
}

std::vector<std::string> unknown_names(const Settings& settings) {
  std::vector<std::string> names;
  for (const auto& [name, setting] : settings) {
    if (find_key(name) == nullptr && !name.starts_with('_')) names.push_back(name);
  }
  return names;
}

}  // namespace reel::compat::lightx2v
