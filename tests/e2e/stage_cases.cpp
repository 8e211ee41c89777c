// SPDX-License-Identifier: Apache-2.0
// Files between the stages that do not fit, and clips that cannot be replayed.
#include <limits>

#include "e2e/damage.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

constexpr int64_t kTextDim = 64;  // of the scene's model

void decode(Scene& scene, const std::vector<ZeroTensor>& tensors) {
  write_zeros(scene / "l.safetensors", tensors);
  scene.reel({"decode", "--model", "model", "--latents", "l.safetensors", "--out", "out/c.mp4"});
}

void denoise(Scene& scene, const std::vector<ZeroTensor>& text,
             const std::vector<std::string>& more = {}) {
  write_zeros(scene / "t.safetensors", text);
  std::vector<std::string> args{"denoise", "--model",           "model",  "--text", "t.safetensors",
                                "--out",   "out/l.safetensors", "--seed", "1"};
  args.insert(args.end(), more.begin(), more.end());
  scene.reel(args);
}

void denoise_with_noise(Scene& scene, const std::vector<ZeroTensor>& noise) {
  write_zeros(scene / "n.safetensors", noise);
  denoise(scene, {{"text_states", {512, kTextDim}}}, {"--noise", "n.safetensors"});
}

void encode_ids(Scene& scene, const std::string& ids) {
  write_bytes(scene / "ids.json", ids);
  scene.reel(
      {"encode-text", "--model", "model", "--ids", "ids.json", "--out", "out/t.safetensors"});
}

std::string many_ids(int count) {
  std::string text = "[1";
  for (int at = 1; at < count; ++at) text += ",1";
  return text + "]";
}

void replay(Scene& scene, const std::string& clip) { scene.reel({"replay", clip}); }

}  // namespace

std::vector<Case> stage_cases() {
  return {
      {"ids-beyond-vocabulary", [](Scene& s) { encode_ids(s, "[1, 2, 512]"); }},
      {"ids-negative", [](Scene& s) { encode_ids(s, "[-1]"); }},
      {"ids-too-many", [](Scene& s) { encode_ids(s, many_ids(513)); }},
      {"ids-beyond-32-bits", [](Scene& s) { encode_ids(s, "[4294967297]"); }},
      {"ids-fraction", [](Scene& s) { encode_ids(s, "[1.5]"); }},
      {"ids-no-json", [](Scene& s) { encode_ids(s, "1 2 3"); }},
      {"ids-none", [](Scene& s) { encode_ids(s, "[]"); }},
      {"ids-and-prompt",
       [](Scene& s) {
         encode_ids(s, "[1]");
         s.command.args.insert(s.command.args.end(), {"--prompt", "a ball"});
       }},
      {"text-file-missing",
       [](Scene& s) {
         s.reel({"denoise", "--text", "no.safetensors", "--out", "out/l"});
       }},
      {"text-file-of-another-kind",
       [](Scene& s) {
         denoise(s, {{"latents", {16, 1, 2, 2}}});
       }},
      {"text-width",
       [](Scene& s) {
         denoise(s, {{"text_states", {512, 99}}});
       }},
      {"text-axes",
       [](Scene& s) {
         denoise(s, {{"text_states", {kTextDim}}});
       }},
      {"text-no-rows",
       [](Scene& s) {
         denoise(s, {{"text_states", {0, kTextDim}}});
       }},
      {"text-too-long",
       [](Scene& s) {
         denoise(s, {{"text_states", {513, kTextDim}}});
       }},
      {"text-dtype",
       [](Scene& s) {
         denoise(s, {{"text_states", {512, kTextDim}, DType::kBF16}});
       }},
      {"text-nan",
       [](Scene& s) {
         denoise(s, {{"text_states", {512, kTextDim}}});
         fill_with_nan(s / "t.safetensors", "text_states");
       }},
      {"text-without-negative",
       [](Scene& s) {
         denoise(s, {{"text_states", {512, kTextDim}}}, {"--guidance", "3"});
       }},
      {"text-negative-width",
       [](Scene& s) {
         denoise(s, {{"text_states", {512, kTextDim}}, {"negative_text_states", {5, 9}}},
                 {"--guidance", "3"});
       }},
      {"noise-shape",
       [](Scene& s) {
         denoise_with_noise(s, {{"noise", {16, 1, 4, 4}}});
       }},
      {"noise-missing",
       [](Scene& s) {
         denoise_with_noise(s, {{"nose", {16, 1, 2, 2}}});
       }},
      {"step-noise-missing",
       [](Scene& s) {
         denoise_with_noise(s, {{"noise", {16, 1, 2, 2}}});
       }},
      {"step-noise-short",
       [](Scene& s) {
         denoise_with_noise(s, {{"noise", {16, 1, 2, 2}}, {"step_noise", {2, 16, 1, 2, 2}}});
       }},
      {"noise-nan",
       [](Scene& s) {
         denoise_with_noise(s, {{"noise", {16, 1, 2, 2}}, {"step_noise", {3, 16, 1, 2, 2}}});
         fill_with_nan(s / "n.safetensors", "noise");
       }},
      {"latents-channels",
       [](Scene& s) {
         decode(s, {{"latents", {8, 1, 2, 2}}});
       }},
      {"latents-axes",
       [](Scene& s) {
         decode(s, {{"latents", {16, 2, 2}}});
       }},
      {"latents-empty",
       [](Scene& s) {
         decode(s, {{"latents", {16, 0, 2, 2}}});
       }},
      {"latents-dtype",
       [](Scene& s) {
         decode(s, {{"latents", {16, 1, 2, 2}, DType::kBF16}});
       }},
      {"latents-nan",
       [](Scene& s) {
         decode(s, {{"latents", {16, 1, 2, 2}}});
         fill_with_nan(s / "l.safetensors", "latents");
       }},
      {"latents-recipe",
       [](Scene& s) {
         decode(s, {{"latents", {16, 1, 2, 2}}});
         edit_header(s / "l.safetensors", [](nlohmann::json& header) {
           header["__metadata__"] = {{"reel_recipe", "{}"}};
         });
       }},
      {"latents-missing",
       [](Scene& s) {
         decode(s, {{"text_states", {512, kTextDim}}});
       }},
      {"latents-file-missing",
       [](Scene& s) {
         s.reel(
             {"decode", "--model", "model", "--latents", "no.safetensors", "--out", "out/c.mp4"});
       }},
      {"latents-file-text",
       [](Scene& s) {
         decode(s, {{"latents", {16, 1, 2, 2}}});
         write_bytes(s / "l.safetensors", "latents");
       }},
      {"replay-no-file", [](Scene& s) { replay(s, "clip.mp4"); }},
      {"replay-no-mp4",
       [](Scene& s) {
         write_bytes(s / "notes.mp4", "These are notes.\n");
         replay(s, "notes.mp4");
       }},
      {"replay-without-recipe",
       [](Scene& s) {
         s.generate({"--out", "made.mp4", "--no-recipe"});
         run_program(s.command);
         replay(s, "made.mp4");
       }},
      {"replay-cut",
       [](Scene& s) {
         s.generate({"--out", "made.mp4"});
         run_program(s.command);
         cut_in_half(s / "made.mp4");
         replay(s, "made.mp4");
       }},
      {"replay-without-model",
       [](Scene& s) {
         s.generate({"--out", "made.mp4"});
         run_program(s.command);
         replay(s, "made.mp4");
       }},
  };
}

}  // namespace reel::test
