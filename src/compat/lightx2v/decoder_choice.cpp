// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/decoder_choice.h"

#include "base/error.h"

namespace reel::compat::lightx2v {
namespace {

namespace fs = std::filesystem;

// The first of these names in the folders where LightX2V looks, in its order.
std::optional<fs::path> find_below(const fs::path& model_path,
                                   const std::vector<std::string>& names, const FileTest& exists) {
  for (const std::string& name : names) {
    for (const char* folder :
         {"distill_int8", "distill_fp8", "distill_models", "int8", "fp8", "original", ""}) {
      const fs::path path = model_path / folder / name;
      if (exists(path)) return path;
    }
  }
  return std::nullopt;
}

std::string required_below(const Settings& settings, const char* asking, const char* path_key,
                           const fs::path& model_path, const std::vector<std::string>& names,
                           const FileTest& exists) {
  const auto found = find_below(model_path, names, exists);
  REEL_REQUIRE(found, kNotFound,
               str_cat(described(asking, *find(settings, asking)), ", but there is no ",
                       names.front(), " in ", model_path.string(), '.'),
               str_cat("Say where it is with ", path_key, '.'));
  return found->string();
}

void choose_tae(const Settings& settings, const FileTest& exists, ModelPaths& paths) {
  paths.decoder = "TAE";
  paths.model.vae = text_of(settings, "tae_path").value_or("");
  if (paths.model.vae.empty()) {
    paths.model.vae = required_below(
        settings, "use_tae", "tae_path", paths.model_path,
        {"taew2_1.pth", "taew2_1.safetensors", "lighttaew2_1.pth", "lighttaew2_1.safetensors"},
        exists);
  }
  // Left out, the file's name decides, as LightX2V's Python calls have it.
  if (const auto scaled = flag_of(settings, "need_scaled")) {
    paths.model.tae_latents = *scaled ? "vae" : "diffusion";
  }
}

}  // namespace

void choose_decoder(const Settings& settings, const FileTest& exists, ModelPaths& paths) {
  const bool blends_tiles = flag_of(settings, "use_tiling_vae").value_or(false);
  if (flag_of(settings, "use_tae").value_or(false)) {
    if (blends_tiles) paths.notes.emplace_back("use_tiling_vae has no effect with use_tae.");
    return choose_tae(settings, exists, paths);
  }
  if (blends_tiles) paths.model.vae_tiling = "blended";
  if (const auto vae = text_of(settings, "vae_path"); vae && !vae->empty()) {
    paths.model.vae = *vae;
  } else if (const auto name = text_of(settings, "vae_name"); name && !name->empty()) {
    paths.model.vae =
        required_below(settings, "vae_name", "vae_path", paths.model_path, {*name}, exists);
  } else if (flag_of(settings, "use_lightvae").value_or(false)) {
    paths.model.vae = required_below(settings, "use_lightvae", "vae_path", paths.model_path,
                                     {"lightvaew2_1.pth", "lightvaew2_1.safetensors"}, exists);
  }
  if (flag_of(settings, "use_lightvae").value_or(false)) paths.decoder = "light VAE";
}

}  // namespace reel::compat::lightx2v
