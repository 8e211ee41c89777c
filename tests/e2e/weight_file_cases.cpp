// SPDX-License-Identifier: Apache-2.0
// Files that are cut short, damaged, hostile or no weights at all.
#include <reel/synth.h>

#include "e2e/damage.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string first_tensor(const json& header) {
  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") return name;
  }
  return {};
}

void edit_first_tensor(Scene& scene, const char* key, const json& value) {
  edit_header(scene / kBlock, [&](json& header) { header[first_tensor(header)][key] = value; });
}

// Puts a GGUF checkpoint in place of the model and answers its DiT file.
fs::path use_gguf(Scene& scene) {
  fs::remove_all(scene / "model");
  SynthRequest request{.layout = "gguf:q8_0", .out = scene / "model"};
  request.dim = request.ffn_dim = 128;
  request.layers = request.t5_layers = 1;
  request.text_dim = request.t5_ffn_dim = 64;
  request.t5_vocab = 512;
  request.vae_base = 8;
  request.width_px = request.height_px = 16;
  request.frames = 1;
  for (const SynthFile& file : synthesize(request).files) {
    if (file.name.ends_with(".gguf")) {
      fs::rename(scene / ("model/" + file.name), scene / "model/dit.gguf");
      break;
    }
  }
  return scene / "model/dit.gguf";
}

// Where the entry of a bias is in the header of use_gguf(): length of its one axis, u64; type, u32;
// offset, u64.
struct GgufEntry {
  uint64_t length, type, offset;
};

GgufEntry entry_at(const Scene& scene) {
  static const std::string kName = "blocks.0.ffn.2.bias";
  constexpr uint64_t kAxesBytes = 4;
  const uint64_t length =
      read_all(scene / "model/dit.gguf").find(kName) + kName.size() + kAxesBytes;
  return {.length = length, .type = length + 8, .offset = length + 12};
}

}  // namespace

std::vector<Case> weight_file_cases() {
  return {
      {"safetensors-cut", [](Scene& s) { cut_in_half(s / kBlock); }},
      {"safetensors-cut-in-header", [](Scene& s) { cut_to(s / kBlock, 100); }},
      {"safetensors-header-bit", [](Scene& s) { flip_bit(s / kBlock, 30, 7); }},
      {"safetensors-length-huge",
       [](Scene& s) { overwrite(s / kBlock, 0, std::string("\0\0\0\0\0\0\0\x80", 8)); }},
      {"safetensors-length-beyond-file",
       [](Scene& s) { overwrite(s / kBlock, 0, std::string("\0\0\0\5\0\0\0\0", 8)); }},
      {"safetensors-offset-overflow",
       [](Scene& s) {
         edit_first_tensor(s, "data_offsets", {0, uint64_t{1} << 62});
       }},
      {"safetensors-offset-negative",
       [](Scene& s) {
         edit_first_tensor(s, "data_offsets", {-8, 8});
       }},
      {"safetensors-offsets-overlap",
       [](Scene& s) {
         edit_header(s / kBlock, [](json& header) {
           header["blocks.0.norm3.bias"]["data_offsets"] =
               header["blocks.0.norm3.weight"]["data_offsets"];
         });
       }},
      {"safetensors-shape-overflow",
       [](Scene& s) {
         edit_first_tensor(s, "shape", {4294967296, 4294967296});
       }},
      {"safetensors-shape-negative",
       [](Scene& s) {
         edit_first_tensor(s, "shape", {-1, 5});
       }},
      {"safetensors-dtype-unknown", [](Scene& s) { edit_first_tensor(s, "dtype", "F7"); }},
      {"safetensors-wrong-shape",
       [](Scene& s) {
         edit_header(s / kBlock, [](json& header) {
           header["blocks.0.self_attn.q.bias"]["shape"] = {64, 2};
         });
       }},
      {"safetensors-nan", [](Scene& s) { fill_with_nan(s / kNonBlock, "head.head.bias"); }},
      {"matrix-nan", [](Scene& s) { fill_with_nan(s / kBlock, "blocks.0.ffn.0.weight"); }},
      {"text-encoder-nan",
       [](Scene& s) { fill_with_nan(s / kTextEncoder, "blocks.0.attn.q.weight"); }},
      {"vae-nan", [](Scene& s) { fill_with_nan(s / kVae, "decoder.conv1.weight"); }},
      {"vae-bias-nan", [](Scene& s) { fill_with_nan(s / kVae, "decoder.conv1.bias"); }},
      {"pth-cut", [](Scene& s) { cut_in_half(s / kVae); }},
      {"pth-cut-by-a-byte", [](Scene& s) { cut_to(s / kVae, fs::file_size(s / kVae) - 1); }},
      {"pth-directory-bit", [](Scene& s) { flip_bit(s / kVae, fs::file_size(s / kVae) - 20, 5); }},
      {"pth-other-global",
       [](Scene& s) {
         write_pickle(s / kVae,
                      "\x80\x02"
                      "cos\nsystem\nX\2\0\0\0id\x85R.");
       }},
      {"pth-builtin-eval",
       [](Scene& s) {
         write_pickle(s / kVae,
                      "\x80\x02"
                      "c__builtin__\neval\n)R.");
       }},
      {"pth-endless-pickle", [](Scene& s) { write_pickle(s / kVae, std::string("\x80\x02}}}}")); }},
      {"bare-pickle", [](Scene& s) { write_bytes(s / kVae, "\x80\x04\x95zzzzzzzzzzzz"); }},
      {"gguf-cut", [](Scene& s) { cut_in_half(use_gguf(s)); }},
      {"gguf-cut-in-header", [](Scene& s) { cut_to(use_gguf(s), 40); }},
      {"gguf-type-bit",
       [](Scene& s) {
         const fs::path file = use_gguf(s);
         flip_bit(file, entry_at(s).type, 6);
       }},
      {"gguf-shape-bit",
       [](Scene& s) {
         const fs::path file = use_gguf(s);
         flip_bit(file, entry_at(s).length + 7, 6);
       }},
      {"gguf-offset-bit",
       [](Scene& s) {
         const fs::path file = use_gguf(s);
         flip_bit(file, entry_at(s).offset + 7, 6);
       }},
      {"gguf-offsets-overlap",
       [](Scene& s) {
         const fs::path file = use_gguf(s);
         overwrite(file, entry_at(s).offset, std::string(8, '\0'));
       }},
      {"gguf-version", [](Scene& s) { overwrite(use_gguf(s), 4, std::string("\x63\0\0\0", 4)); }},
      {"gguf-count-huge",
       [](Scene& s) { overwrite(use_gguf(s), 8, std::string("\0\0\0\0\0\0\0\x40", 8)); }},
      {"gguf-key-length-huge",
       [](Scene& s) { overwrite(use_gguf(s), 24, std::string("\0\0\0\0\0\0\0\x7f", 8)); }},
      {"git-lfs-pointer",
       [](Scene& s) {
         write_bytes(s / kBlock,
                     "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n");
       }},
      {"web-page", [](Scene& s) { write_bytes(s / kVae, "<!DOCTYPE html><html>Sign in</html>"); }},
      {"unfinished-download",
       [](Scene& s) {
         fs::rename(s / kNonBlock, s / "model/dit.safetensors.incomplete");
         s.generate({"--model", "model/dit.safetensors.incomplete"});
       }},
      {"unfinished-block",
       [](Scene& s) { fs::rename(s / kBlock, s / (std::string(kBlock) + ".incomplete")); }},
      {"empty-file", [](Scene& s) { write_bytes(s / kBlock, ""); }},
      {"zeros", [](Scene& s) { write_bytes(s / kBlock, std::string(4096, '\0')); }},
      {"text-file", [](Scene& s) { write_bytes(s / kBlock, "These are no weights.\n"); }},
      {"gzip", [](Scene& s) { write_bytes(s / kBlock, "\x1f\x8b\x08 and so on"); }},
      {"json-as-model",
       [](Scene& s) {
         s.generate({"--model", "model/config.json"});
       }},
      {"index-damaged", [](Scene& s) { cut_to(s / kIndex, 50); }},
      {"config-damaged", [](Scene& s) { cut_to(s / "model/config.json", 50); }},
      {"tokenizer-cut",
       [](Scene& s) {
         fs::remove(s / kTokenizerFolder / "tokenizer.json");
         cut_to(s / kTokenizerFolder / "spiece.model", 100);
       }},
      {"tokenizer-json-cut",
       [](Scene& s) {
         fs::remove(s / kTokenizerFolder / "spiece.model");
         cut_to(s / kTokenizerFolder / "tokenizer.json", 100);
       }},
  };
}

}  // namespace reel::test
