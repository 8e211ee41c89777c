// SPDX-License-Identifier: Apache-2.0
// What looks odd and works.
#include "e2e/damage.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

void rename_model(Scene& scene, const std::string& name) {
  fs::rename(scene / "model", scene / name);
  scene.generate({"--model", name});
}

}  // namespace

std::vector<Case> working_cases() {
  return {
      {"plain", [](Scene& s) { s.generate(); }},
      {"names-with-spaces",
       [](Scene& s) {
         rename_model(s, "my model (1)");
         s.generate({"--model", "my model (1)", "--out", "out/my clip.mp4"});
       }},
      {"names-not-ascii",
       [](Scene& s) {
         rename_model(s, "\u6a21\u578b \u00e9");
         s.generate({"--model", "\u6a21\u578b \u00e9", "--out", "out/\u7403 \u2603.mp4"});
       }},
      {"names-not-utf8",
       [](Scene& s) {
         rename_model(s, "mod\xe8le");
         s.generate({"--model", "mod\xe8le", "--out", "out/cl\xefp.mp4"});
       }},
      {"prompt-not-ascii",
       [](Scene& s) {
         s.generate({"--prompt", "\u4e00\u53ea\u732b \u2603 \U0001f431"});
       }},
      {"prompt-from-stdin",
       [](Scene& s) {
         s.reel({"generate", "--model", "model", "--prompt-file", "-", "--out", "out/clip.mp4"});
         s.command.input = "a ball\n";
       }},
      {"prompt-longest",
       [](Scene& s) {
         s.generate({"--prompt", std::string(65'536, 'x')});
       }},
      {"prompt-starts-with-dash",
       [](Scene& s) {
         s.generate({"--prompt", "-- a ball --"});
       }},
      {"size-rounded",
       [](Scene& s) {
         s.generate({"--size", "39x21", "--frames", "4"});
       }},
      {"frames-png",
       [](Scene& s) {
         s.generate({"--out", "out/frames"});
       }},
      {"seed-in-name",
       [](Scene& s) {
         s.generate({"--out", "out/clip-{seed}.mp4"});
       }},
      {"replace-with-force",
       [](Scene& s) {
         write_bytes(s / "out/clip.mp4", "an older clip");
         s.generate({"--force"});
       }},
      {"lora-without-place",
       [](Scene& s) {
         const std::string images = "diffusion_model.blocks.0.cross_attn.k_img.";
         write_zeros(s / "l.safetensors", {{"blocks.0.ffn.2.diff_b", {128}},
                                           {images + "lora_up.weight", {128, 4}},
                                           {images + "lora_down.weight", {4, 128}}});
         s.generate({"--lora", "l.safetensors:-0.5"});
       }},
      {"no-index", [](Scene& s) { fs::remove(s / kIndex); }},
      {"no-config",
       [](Scene& s) {
         fs::remove(s / "model/config.json");
         s.generate({"--size", "16x16", "--frames", "1"});
       }},
      {"odd-things-beside-the-weights",
       [](Scene& s) {
         fs::create_symlink("nowhere", s / "model/distill_fp8/x.safetensors");
         fs::create_directory(s / "model/distill_fp8/y.safetensors");
         write_bytes(s / "model/distill_fp8/optimizer.bin", "not weights");
       }},
      {"read-only-model", [](Scene& s) { fs::permissions(s / "model", fs::perms(0555)); }},
  };
}

}  // namespace reel::test
