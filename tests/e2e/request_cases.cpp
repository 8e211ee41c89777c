// SPDX-License-Identifier: Apache-2.0
// Commands, flags and prompts that cannot be.
#include "e2e/damage.h"
#include "e2e/scene.h"

namespace reel::test {

std::vector<Case> request_cases() {
  return {
      {"unknown-command",
       [](Scene& s) {
         s.reel({"genrate", "--prompt", "a ball"});
       }},
      {"unknown-flag",
       [](Scene& s) {
         s.generate({"--stepz", "4"});
       }},
      {"stray-word", [](Scene& s) { s.generate({"clip"}); }},
      {"flag-without-value", [](Scene& s) { s.generate({"--steps"}); }},
      {"flag-twice",
       [](Scene& s) {
         s.command.args.insert(s.command.args.end(), {"--seed", "2"});
       }},
      {"required-flag-missing",
       [](Scene& s) {
         s.reel({"decode", "--out", "out/clip.mp4"});
       }},
      {"steps-zero",
       [](Scene& s) {
         s.generate({"--steps", "0"});
       }},
      {"steps-many",
       [](Scene& s) {
         s.generate({"--steps", "1001"});
       }},
      {"steps-no-number",
       [](Scene& s) {
         s.generate({"--steps", "four"});
       }},
      {"frames-negative",
       [](Scene& s) {
         s.generate({"--frames", "-3"});
       }},
      {"frames-beyond-rope",
       [](Scene& s) {
         s.generate({"--frames", "4097"});
       }},
      {"lora-strength",
       [](Scene& s) {
         s.generate({"--lora", "l.safetensors:nan"});
       }},
      {"lora-without-file",
       [](Scene& s) {
         s.generate({"--lora", ":0.5"});
       }},
      {"size-8x8",
       [](Scene& s) {
         s.generate({"--size", "8x8"});
       }},
      {"size-beyond-rope",
       [](Scene& s) {
         s.generate({"--size", "16400x480"});
       }},
      {"size-overflow",
       [](Scene& s) {
         s.generate({"--size", "99999999999x16"});
       }},
      {"size-one-number",
       [](Scene& s) {
         s.generate({"--size", "5"});
       }},
      {"size-beyond-memory",
       [](Scene& s) {
         s.generate({"--size", "8192x8192", "--frames", "4093", "--out", "out/clip.y4m"});
         s.command.most_memory_bytes = uint64_t{16} << 30;
       }},
      {"size-beyond-encoders",
       [](Scene& s) {
         s.generate({"--size", "16384x16384"});
       }},
      {"timesteps-rising",
       [](Scene& s) {
         s.generate({"--timesteps", "500,1000"});
       }},
      {"timesteps-no-number",
       [](Scene& s) {
         s.generate({"--timesteps", "1000,abc"});
       }},
      {"timesteps-and-steps",
       [](Scene& s) {
         s.generate({"--steps", "3", "--timesteps", "1000"});
       }},
      {"timesteps-with-unipc",
       [](Scene& s) {
         s.generate({"--sampler", "unipc", "--timesteps", "1000"});
       }},
      {"guidance-nan",
       [](Scene& s) {
         s.generate({"--guidance", "nan"});
       }},
      {"guidance-negative",
       [](Scene& s) {
         s.generate({"--guidance", "-1"});
       }},
      {"shift-zero",
       [](Scene& s) {
         s.generate({"--shift", "0"});
       }},
      {"shift-infinite",
       [](Scene& s) {
         s.generate({"--shift", "inf"});
       }},
      {"seed-negative",
       [](Scene& s) {
         s.generate({"--seed", "-1"});
       }},
      {"seed-range-falls",
       [](Scene& s) {
         s.generate({"--seed", "8..1"});
       }},
      {"seed-range-long",
       [](Scene& s) {
         s.generate({"--seed", "0..10000"});
       }},
      {"seed-range-open",
       [](Scene& s) {
         s.generate({"--seed", "4.."});
       }},
      {"seed-range-and-count",
       [](Scene& s) {
         s.generate({"--seed", "1..8", "--count", "2"});
       }},
      {"seed-range-of-scout",
       [](Scene& s) {
         s.reel({"scout", "--model", "model", "--prompt", "a ball", "--seed", "1..8"});
       }},
      {"sampler-unknown",
       [](Scene& s) {
         s.generate({"--sampler", "heun"});
       }},
      {"rng-unknown",
       [](Scene& s) {
         s.generate({"--rng", "mt19937"});
       }},
      {"rng-no-gpu",
       [](Scene& s) {
         s.generate({"--rng-sms", "0"});
       }},
      {"precision-unknown",
       [](Scene& s) {
         s.generate({"--precision", "fp4"});
       }},
      {"fp8-values-on-the-cpu",
       [](Scene& s) {
         s.generate({"--precision", "int8-fp8pv"});
       }},
      {"fp8-values-without-fp8",
       [](Scene& s) {
         s.reel({"bench", "--predict", "rtx3060", "--precision", "int8-fp8pv"});
       }},
      {"eval-layers",
       [](Scene& s) {
         s.reel({"eval", "--model", "model", "--device", "cpu", "--layers", "9"});
       }},
      {"eval-f32",
       [](Scene& s) {
         s.reel({"eval", "--model", "model", "--device", "cpu", "--precision", "f32"});
       }},
      {"variant-unknown",
       [](Scene& s) {
         s.generate({"--variant", "fp3"});
       }},
      {"kind-unknown",
       [](Scene& s) {
         s.generate({"--checkpoint-kind", "turbo"});
       }},
      {"device-unknown",
       [](Scene& s) {
         s.generate({"--device", "tpu"});
       }},
      {"devices-differ",
       [](Scene& s) {
         s.generate({"--device", "cuda:0,cpu"});
       }},
      {"devices-without-heads",
       [](Scene& s) {
         s.generate({"--device", "cpu,cpu", "--size", "32x32"});
       }},
      {"devices-of-a-stage",
       [](Scene& s) {
         s.reel({"encode-text", "--model", "model", "--prompt", "a ball", "--device", "cpu,cpu",
                 "--out", "out/t.safetensors"});
       }},
      {"device-cuda",
       [](Scene& s) {
         s.generate({"--device", "cuda:99"});
       }},
      {"threads-negative",
       [](Scene& s) {
         s.generate({"--threads", "-1"});
       }},
      {"ram-banana",
       [](Scene& s) {
         s.generate({"--ram", "banana"});
       }},
      {"fps-zero",
       [](Scene& s) {
         s.generate({"--fps", "0"});
       }},
      {"quality-99",
       [](Scene& s) {
         s.generate({"--quality", "99"});
       }},
      {"count-zero",
       [](Scene& s) {
         s.generate({"--count", "0"});
       }},
      {"count-one-file",
       [](Scene& s) {
         s.generate({"--count", "2"});
       }},
      {"scout-no-seeds",
       [](Scene& s) {
         s.reel({"scout", "--model", "model", "--prompt", "a ball", "--seeds", "0"});
       }},
      {"scout-steps",
       [](Scene& s) {
         s.reel({"scout", "--model", "model", "--prompt", "a ball", "--look-after", "9"});
       }},
      {"scout-sheet-name",
       [](Scene& s) {
         s.reel({"scout", "--model", "model", "--prompt", "a ball", "--sheet", "out/s.jpg"});
       }},
      {"trace-of-several",
       [](Scene& s) {
         s.generate({"--count", "2", "--trace", "out/ops.csv"});
       }},
      {"image-path",
       [](Scene& s) {
         s.generate({"--image", "cat.png"});
       }},
      {"prompt-none",
       [](Scene& s) {
         s.reel({"generate", "--model", "model"});
       }},
      {"prompt-empty",
       [](Scene& s) {
         s.generate({"--prompt", ""});
       }},
      {"prompt-blank",
       [](Scene& s) {
         s.generate({"--prompt", " \t\n "});
       }},
      {"prompt-not-utf8",
       [](Scene& s) {
         s.generate({"--prompt",
                     "a b\xff"
                     "ll"});
       }},
      {"negative-prompt-not-utf8",
       [](Scene& s) {
         s.generate({"--guidance", "3", "--negative-prompt", "\xc3"});
       }},
      {"prompt-too-long",
       [](Scene& s) {
         s.generate({"--prompt", std::string(65'537, 'x')});
       }},
      {"prompt-file-missing",
       [](Scene& s) {
         s.reel({"generate", "--model", "model", "--prompt-file", "no.txt", "--out", "out/c.mp4"});
       }},
      {"prompt-file-huge",
       [](Scene& s) {
         write_bytes(s / "long.txt", std::string((1 << 20) + 1, 'x'));
         s.reel({"generate", "--model", "model", "--prompt-file", "long.txt"});
       }},
      {"prompt-stdin-empty",
       [](Scene& s) {
         s.reel({"generate", "--model", "model", "--prompt-file", "-"});
       }},
      {"resume-nonsense",
       [](Scene& s) {
         s.reel({"generate", "--resume", "nonsense"});
       }},
      {"resume-path",
       [](Scene& s) {
         s.reel({"generate", "--resume", "../../etc"});
       }},
      {"resume-damaged",
       [](Scene& s) {
         write_bytes(s / "state/reel/jobs/20260101-000000-0000/job.json", "{\"model\": 3}");
         s.reel({"generate", "--resume", "20260101-000000-0000"});
       }},
      {"resume-with-seed",
       [](Scene& s) {
         s.reel({"generate", "--resume", "20260101-000000-0000", "--out", "out/c.mp4", "--seed=2"});
       }},
      {"resume-dry-run",
       [](Scene& s) {
         s.reel({"generate", "--dry-run", "--resume", "20260101-000000-0000"});
       }},
      {"synth-layout-unknown",
       [](Scene& s) {
         s.reel({"synth", "--layout", "onnx", "--out", "out/m"});
       }},
      {"synth-dim-odd",
       [](Scene& s) {
         s.reel({"synth", "--dim", "100", "--out", "out/m"});
       }},
      {"synth-folder-not-empty",
       [](Scene& s) {
         s.reel({"synth", "--out", "model"});
       }},
      {"serve-for-others",
       [](Scene& s) {
         s.reel({"serve", "--host", "0.0.0.0"});
       }},
      {"serve-keys-missing",
       [](Scene& s) {
         s.reel({"serve", "--api-keys", "keys"});
       }},
      {"serve-keys-damaged",
       [](Scene& s) {
         write_bytes(s / "keys", "anna secret\n");
         s.reel({"serve", "--api-keys", "keys"});
       }},
      {"serve-key-for-no-file",
       [](Scene& s) {
         s.reel({"serve", "--new-api-key", "anna"});
       }},
      {"server-address",
       [](Scene& s) {
         s.reel({"generate", "--prompt", "a ball", "--server", "localhost:8000"});
       }},
      {"server-gone",
       [](Scene& s) {
         s.reel({"generate", "--prompt", "a ball", "--server", "http://127.0.0.1:1"});
       }},
      {"server-model",
       [](Scene& s) {
         s.reel({"generate", "--prompt", "a ball", "--server", "http://a", "--model", "model"});
       }},
      {"serve-port",
       [](Scene& s) {
         s.reel({"serve", "--port", "99999"});
       }},
      {"serve-data-no-folder",
       [](Scene& s) {
         write_bytes(s / "file", "");
         s.reel({"serve", "--port", "0", "--data", "file"});
       }},
      {"inspect-nothing",
       [](Scene& s) {
         s.reel({"inspect", "nothing.safetensors"});
       }},
  };
}

}  // namespace reel::test
