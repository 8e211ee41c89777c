// SPDX-License-Identifier: Apache-2.0
#include "cli/examples.h"

#include <algorithm>
#include <array>

namespace reel::cli {
namespace {

struct Examples {
  std::string_view command, lines;
};

constexpr auto kExamples = std::to_array<Examples>({
    {"generate", R"(  reel generate --prompt "a red ball bounces on a meadow" --out ball.mp4
  reel generate --prompt-file prompt.txt --seed 1..8 --out "clip-{seed}.mp4"
  echo "a blue star" | reel generate --prompt-file - --dry-run)"},
    {"scout", R"(  reel scout --prompt "a blue heart" --seeds 8
  reel scout --prompt "a blue heart" --seed 40 --seeds 4 --sheet hearts.png --look-after 2)"},
    {"encode-text", R"(  reel encode-text --prompt "a red ball" --out text.safetensors)"},
    {"denoise", R"(  reel denoise --text text.safetensors --seed 7 --out latents.safetensors)"},
    {"decode", R"(  reel decode --latents latents.safetensors --out decoded.mp4)"},
    {"inspect", R"(  reel inspect wan2.1-t2v-14b-fp8
  reel inspect wan2.1-t2v-14b-fp8 --json)"},
    {"plan", R"(  reel plan --model wan2.1-t2v-14b-fp8 --vram 12GiB
  reel plan --model wan2.1-t2v-14b-fp8 --vram 8GiB --size 720p --frames 49)"},
    {"bench", R"(  reel bench --predict rtx4070
  reel bench --model wan2.1-t2v-14b-fp8 --reads)"},
    {"eval", R"(  reel eval --model wan2.1-t2v-14b-fp8 --count 1)"},
    {"doctor", R"(  reel doctor --quick
  reel doctor --report report.json)"},
    {"synth", R"(  reel synth --layout gguf:q4_k_m --out random
  reel synth --preset wan2.1-t2v-14b --sparse --out headers)"},
    {"replay", R"(  reel replay ball.mp4
  reel replay --show ball.mp4)"},
    {"serve", R"(  reel serve --model wan2.1-t2v-14b-fp8
  reel generate --server http://localhost:8000 --prompt "a red ball")"},
    {"pull", R"(  reel pull --list
  reel pull wan2.1-t2v-14b-fp8
  reel pull maker/model --include "*.safetensors" --local-dir model)"},
    {"models", R"(  reel models list
  reel models rm wan2.1-t2v-14b-fp8)"},
    {"convert", R"(  reel convert wan2.1-t2v-14b-fp8
  reel convert wan2.1-t2v-14b-fp8 --verify)"},
    {"infer",
     R"(  reel infer --model_path model --config_json my.json --prompt "a red ball" --seed 42)"},
    {"completions", R"(  reel completions bash > reel.bash)"},
    {"man", R"(  reel man > reel.1)"},
});

}  // namespace

std::string_view examples_of(std::string_view command) {
  const auto found = std::ranges::find(kExamples, command, &Examples::command);
  return found == kExamples.end() ? std::string_view{} : found->lines;
}

}  // namespace reel::cli
