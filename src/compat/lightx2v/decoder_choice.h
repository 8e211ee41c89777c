// SPDX-License-Identifier: Apache-2.0
// Which network a LightX2V config decodes with, and where its file is.
#pragma once

#include "compat/lightx2v/model_paths.h"

namespace reel::compat::lightx2v {

// Fills model.vae, model.tae_latents, model.vae_tiling and what decoder is expected from use_tae,
// tae_path, need_scaled, use_lightvae, vae_path, vae_name and use_tiling_vae. A path is taken as it
// is given. Throws kNotFound where a decoder is asked for without one and is not under model_path.
//
// Source: ModelTC/LightX2V, models/runners/wan/wan_runner.py, load_vae_decoder, and
// utils/utils.py, find_torch_model_path: a TAE stands above the rest.
void choose_decoder(const Settings& settings, const FileTest& exists, ModelPaths& paths);

}  // namespace reel::compat::lightx2v
