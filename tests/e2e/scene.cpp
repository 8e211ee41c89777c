// SPDX-License-Identifier: Apache-2.0
#include "e2e/scene.h"

#include <reel/synth.h>

#include <algorithm>

namespace reel::test {
namespace {

namespace fs = std::filesystem;

// Made once and copied into every scene.
const fs::path& pristine_model() {
  static const TempFolder folder;
  static const fs::path path = [] {
    SynthRequest request{.out = folder / "model"};
    request.dim = request.ffn_dim = 128;
    request.layers = request.t5_layers = 1;
    request.text_dim = request.t5_ffn_dim = 64;
    request.t5_vocab = 512;
    request.vae_base = 8;
    request.width_px = request.height_px = 16;
    request.frames = 1;
    synthesize(request);
    return fs::path(request.out);
  }();
  return path;
}

}  // namespace

Scene::Scene() {
  fs::copy(pristine_model(), folder_ / "model", fs::copy_options::recursive);
  fs::create_directory(folder_ / "out");
  command.folder = folder();
  generate();
}

// For their owner, so that they can be removed.
Scene::~Scene() {
  std::error_code ignored;
  for (const char* name : {"model", "out"}) {
    fs::permissions(folder_ / name, fs::perms::owner_all, fs::perm_options::add, ignored);
  }
}

Scene& Scene::generate(const std::vector<std::string>& more) {
  std::vector<std::string> args{"generate", "--model",  "model",       "--device",
                                "cpu",      "--prompt", "a ball",      "--seed",
                                "1",        "--out",    "out/clip.mp4"};
  for (size_t at = 0; at < more.size(); ++at) {
    const auto there = std::ranges::find(args, more[at]);
    if (there == args.end() || !more[at].starts_with("--") || at + 1 == more.size()) {
      args.push_back(more[at]);
    } else {
      *(there + 1) = more[++at];
    }
  }
  return reel(args);
}

Scene& Scene::reel(const std::vector<std::string>& args) {
  command.args = args;
  return *this;
}

}  // namespace reel::test
