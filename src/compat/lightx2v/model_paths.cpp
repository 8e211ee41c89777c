// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/model_paths.h"

#include "base/error.h"
#include "compat/lightx2v/decoder_choice.h"

namespace reel::compat::lightx2v {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHowToWriteLoras =
    "Write [{\"path\": \"a.safetensors\", \"strength\": 1.0}].";

struct Scheme {
  std::string key;  // for messages; empty where none is named
  std::string name;
  SchemeFamily family = SchemeFamily::kUnquantised;
};

// dit_quant_scheme, or its predecessor mm_config.mm_type.
Scheme dit_scheme(const Settings& settings) {
  if (const auto name = text_of(settings, "dit_quant_scheme")) {
    const std::string where = described("dit_quant_scheme", *find(settings, "dit_quant_scheme"));
    return {where, *name, scheme_family(*name, where)};
  }
  const Setting* legacy = find(settings, "mm_config");
  if (legacy == nullptr || !legacy->value.is_object()) return {};
  const auto type = legacy->value.find("mm_type");
  if (type == legacy->value.end()) return {};
  const Setting setting{*type, legacy->origin};
  const std::string where = described("mm_config.mm_type", setting);
  REEL_REQUIRE(type->is_string(), kInvalidArgument,
               str_cat(where, "; a text in quotes is needed."));
  const auto name = type->get<std::string>();
  return {where, name, scheme_family(name, where)};
}

const char* variant_of(SchemeFamily family) {
  switch (family) {
    case SchemeFamily::kFp8: return "fp8";
    case SchemeFamily::kInt8: return "int8";
    case SchemeFamily::kGguf:
    case SchemeFamily::kUnquantised: return "";
  }
  return "";
}

const char* products_of(SchemeFamily family) {
  switch (family) {
    case SchemeFamily::kFp8: return "Reel's own products for FP8 weights";
    case SchemeFamily::kInt8: return "Reel's own products for INT8 weights";
    case SchemeFamily::kGguf: return "Reel's own reader of GGUF weights";
    case SchemeFamily::kUnquantised: return "";
  }
  return "";
}

// As it is given, then where a download of one folder puts it.
std::optional<fs::path> locate(const fs::path& wanted, const fs::path& model_path,
                               const FileTest& exists) {
  const fs::path root = model_path.has_filename() ? model_path : model_path.parent_path();
  for (const fs::path& path :
       {wanted, model_path / wanted, model_path / wanted.filename(),
        root.parent_path() / wanted.filename(), root.parent_path() / wanted}) {
    if (exists(path)) return path;
  }
  return std::nullopt;
}

void check_scheme(const Scheme& scheme, bool quantised) {
  REEL_REQUIRE(!quantised || scheme.key.empty() || scheme.family != SchemeFamily::kUnquantised,
               kInvalidArgument, str_cat(scheme.key, ", but dit_quantized is true."),
               "Write fp8-sgl or int8-vllm, whichever the checkpoint is, or dit_quantized false.");
  REEL_REQUIRE(quantised || scheme.family == SchemeFamily::kUnquantised, kInvalidArgument,
               str_cat(scheme.key, ", but dit_quantized is not true."),
               "Write dit_quantized true, or leave the scheme out.");
}

void set_checkpoint(const Settings& settings, bool quantised, const FileTest& exists,
                    ModelPaths& paths) {
  const char* key = quantised ? "dit_quantized_ckpt" : "dit_original_ckpt";
  const auto wanted = text_of(settings, key);
  if (!wanted || wanted->empty()) return;
  const fs::path model_path = paths.model.model;
  const auto found = locate(*wanted, model_path, exists);
  if (!found) {
    paths.absent_checkpoint = described(key, *find(settings, key));
    return;
  }
  paths.model.model = found->string();
  // The text encoder, VAE and tokenizer stay those of model_path, wherever the checkpoint lies.
  const bool lies_there = found->parent_path() == model_path || *found == model_path;
  if (lies_there || !exists(model_path)) return;
  paths.model.text_encoder = paths.model.vae = paths.model.tokenizer = model_path.string();
}

// What is not there stays as it is given, for the message about it.
std::string located(const std::string& wanted, const ModelPaths& paths, const FileTest& exists) {
  return locate(wanted, paths.model_path, exists).value_or(wanted).string();
}

void set_parts(const Settings& settings, const FileTest& exists, ModelPaths& paths) {
  const bool quantised = flag_of(settings, "t5_quantized").value_or(false);
  if (!quantised) paths.text_encoder_precision = "bf16";
  if (const auto name = text_of(settings, "t5_quant_scheme")) {
    const std::string where = described("t5_quant_scheme", *find(settings, "t5_quant_scheme"));
    const SchemeFamily family = scheme_family(*name, where);
    if (quantised) paths.text_encoder_precision = variant_of(family);
    const char* products = products_of(family);
    if (*products != '\0') paths.notes.push_back(str_cat(where, ": ", products, " run instead."));
  }
  const auto encoder = text_of(settings, quantised ? "t5_quantized_ckpt" : "t5_original_ckpt");
  if (encoder && !encoder->empty()) {
    paths.model.text_encoder = located(*encoder, paths, exists);
  }
  if (const auto tokenizer = text_of(settings, "t5_tokenizer_path")) {
    if (!tokenizer->empty()) paths.model.tokenizer = located(*tokenizer, paths, exists);
  }
}

// [{"path": ..., "strength": 1.0}, ...]: each entry is read like a config of its own.
std::vector<LoraChoice> loras_of(const Settings& settings, const FileTest& exists,
                                 const ModelPaths& paths) {
  const Setting* configs = find(settings, "lora_configs");
  if (configs == nullptr) return {};
  constexpr size_t kMost = 100;
  REEL_REQUIRE(configs->value.is_array() && configs->value.size() <= kMost, kInvalidArgument,
               str_cat(described("lora_configs", *configs), "; a list of LoRAs is needed."),
               kHowToWriteLoras);
  std::vector<LoraChoice> loras;
  for (const auto& config : configs->value) {
    REEL_REQUIRE(config.is_object(), kInvalidArgument,
                 str_cat(described("lora_configs", {config, configs->origin}),
                         "; an object with a path is needed."),
                 kHowToWriteLoras);
    Settings entry;
    for (const auto& [key, value] : config.items()) {
      entry["lora_configs." + key] = {value, configs->origin};
    }
    const auto path = text_of(entry, "lora_configs.path");
    REEL_REQUIRE(path && !path->empty(), kInvalidArgument,
                 str_cat(described("lora_configs", {config, configs->origin}),
                         "; an object with a path is needed."),
                 kHowToWriteLoras);
    loras.push_back(
        {located(*path, paths, exists), number_of(entry, "lora_configs.strength").value_or(1.0f)});
  }
  return loras;
}

}  // namespace

ModelPaths find_paths(const Settings& settings, const FileTest& exists) {
  ModelPaths paths;
  paths.model.model = text_of(settings, "model_path").value_or("");
  REEL_REQUIRE(
      !paths.model.model.empty(), kInvalidArgument, "--model_path is needed.",
      "It is the folder of the checkpoint, like Wan2.1-T2V-14B-StepDistill-.../distill_fp8.");
  paths.model_path = paths.model.model;
  const Scheme scheme = dit_scheme(settings);
  const bool at_load = flag_of(settings, "weight_auto_quant").value_or(false);
  const bool quantised =
      flag_of(settings, "dit_quantized").value_or(scheme.family != SchemeFamily::kUnquantised);
  check_scheme(scheme, quantised);
  if (quantised && at_load) {
    paths.prefers_bf16 = true;
    paths.model.precision = variant_of(scheme.family);
    REEL_REQUIRE(!paths.model.precision.empty(), kInvalidArgument,
                 "weight_auto_quant is true, but no scheme of FP8 or INT8 is named.",
                 "Add dit_quant_scheme fp8-sgl or int8-vllm.");
  } else if (quantised) {
    paths.model.variant = variant_of(scheme.family);
  } else {
    paths.prefers_bf16 = true;
  }
  if (scheme.family != SchemeFamily::kUnquantised) {
    paths.notes.push_back(str_cat(scheme.key, ": ", products_of(scheme.family), " run instead."));
  }
  if (scheme.family == SchemeFamily::kGguf) {
    paths.gguf_type = scheme.name.substr(std::string_view("gguf-").size());
  }
  set_checkpoint(settings, quantised && !at_load, exists, paths);
  set_parts(settings, exists, paths);
  choose_decoder(settings, exists, paths);
  paths.model.loras = loras_of(settings, exists, paths);
  return paths;
}

}  // namespace reel::compat::lightx2v
