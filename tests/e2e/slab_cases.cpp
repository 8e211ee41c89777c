// SPDX-License-Identifier: Apache-2.0
// Slabs: damaged ones, stale ones, and conversions that cannot be.
#include <fcntl.h>
#include <reel/convert.h>
#include <sys/file.h>

#include <chrono>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "e2e/damage.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBeside = "model/distill_fp8/reel.slab";

void make_slab(Scene& scene, const std::string& out) {
  Progress progress;
  convert({.model = {.model = scene / "model"}, .out = scene / out}, progress);
}

// As the only model.
void use_slab(Scene& scene) {
  make_slab(scene, "m.slab");
  scene.generate({"--model", "m.slab"});
}

void flip_bit_of(Scene& scene, const std::string& slab, const std::string& tensor) {
  const auto files = checkpoint::open_checkpoint({.model = scene / slab, .use_slabs = false});
  flip_bit(scene / slab, files.dit->find(tensor)->entry->offset_bytes, 0);
}

void write_later(const fs::path& path) {
  fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(5));
}

}  // namespace

std::vector<Case> slab_cases() {
  return {
      {"slab-cut",
       [](Scene& s) {
         use_slab(s);
         cut_in_half(s / "m.slab");
       }},
      {"slab-header-bit",
       [](Scene& s) {
         use_slab(s);
         flip_bit(s / "m.slab", 40, 0);
       }},
      {"slab-tensor-bit",
       [](Scene& s) {
         use_slab(s);
         flip_bit_of(s, "m.slab", "blocks.0.ffn.0.weight");
       }},
      {"slab-version",
       [](Scene& s) {
         use_slab(s);
         overwrite(s / "m.slab", 38, "7");
       }},
      {"slab-of-another-kind",
       [](Scene& s) {
         fs::copy(s / kBlock, s / "m.slab");
         s.generate({"--model", "m.slab"});
       }},
      {"two-slabs-alone",
       [](Scene& s) {
         fs::create_directory(s / "m");
         make_slab(s, "m/a.slab");
         make_slab(s, "m/b.slab");
         s.generate({"--model", "m"});
       }},
      {"convert-out-name",
       [](Scene& s) {
         s.reel({"convert", "model", "--out", "out/m.safetensors"});
       }},
      {"convert-out-is-no-slab",
       [](Scene& s) {
         fs::copy(s / kVae, s / "out/m.slab");
         s.reel({"convert", "model", "--out", "out/m.slab"});
       }},
      {"convert-no-folder",
       [](Scene& s) {
         s.reel({"convert", "model", "--out", "nowhere/m.slab"});
       }},
      {"convert-a-slab",
       [](Scene& s) {
         make_slab(s, "m.slab");
         s.reel({"convert", "m.slab"});
       }},
      {"convert-missing-block",
       [](Scene& s) {
         fs::remove(s / kBlock);
         s.reel({"convert", "model"});
       }},
      {"convert-busy",
       [](Scene& s) {
         write_bytes(s / "out/m.slab.partial", "");
         // Held for as long as this process runs.
         const int file = ::open((s / "out/m.slab.partial").c_str(), O_RDWR | O_CLOEXEC);
         ::flock(file, LOCK_EX);
         s.reel({"convert", "model", "--out", "out/m.slab"});
       }},
      {"convert-file-size-limit",
       [](Scene& s) {
         s.reel({"convert", "model", "--out", "out/m.slab"});
         s.command.most_file_bytes = 24'000;
       }},
      {"verify-nothing",
       [](Scene& s) {
         s.reel({"convert", "model", "--verify"});
       }},
      {"verify-tensor-bit",
       [](Scene& s) {
         make_slab(s, kBeside);
         flip_bit_of(s, kBeside, "blocks.0.ffn.0.weight");
         s.reel({"convert", "model", "--verify"});
       }},
      {"slab-beside", [](Scene& s) { make_slab(s, kBeside); }},
      {"slab-stale",
       [](Scene& s) {
         make_slab(s, kBeside);
         write_later(s / kBlock);
       }},
      {"slab-beside-damaged",
       [](Scene& s) {
         make_slab(s, kBeside);
         flip_bit(s / kBeside, 200, 0);
       }},
      {"slab-alone",
       [](Scene& s) {
         fs::create_directory(s / "m");
         make_slab(s, "m/any.slab");
         fs::remove_all(s / "model");
         s.generate({"--model", "m"});
       }},
      {"convert-after-a-kill",
       [](Scene& s) {
         // What another version, or another model, has left.
         write_bytes(s / "out/m.slab.partial", std::string(9000, 'x'));
         write_bytes(s / "out/m.slab.partial.journal", "reel convert 1 0\n0 0\n");
         s.reel({"convert", "model", "--out", "out/m.slab"});
       }},
  };
}

}  // namespace reel::test
