// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint.h"

#include <cmath>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"
#include "checkpoint/evidence.h"
#include "checkpoint/lora.h"
#include "checkpoint/search.h"
#include "checkpoint/slab_source.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

using formats::quoted;

// "which is still being downloaded" where its unfinished form lies beside its place.
std::string absence(const std::filesystem::path& folder, const std::string& name) {
  for (const char* ending : {".incomplete", ".part", ".crdownload", ".aria2"}) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / (name + ending), ignored)) {
      return str_cat("; its download is unfinished (", formats::quoted_name(name + ending),
                     " is there).");
    }
  }
  return std::filesystem::is_symlink(folder / name) ? "; it is a link to nothing." : ".";
}

void report_absent_files(Checkpoint& checkpoint) {
  for (const auto* component : {&checkpoint.dit, &checkpoint.text_encoder, &checkpoint.vae}) {
    if (!*component) continue;
    for (const std::string& name : (*component)->absent_files) {
      checkpoint.missing.push_back(str_cat(quoted((*component)->path), " has no ",
                                           formats::quoted_name(name), ", which its index names",
                                           absence((*component)->path, name)));
    }
  }
}

void report_missing_tokenizer(Checkpoint& checkpoint,
                              const std::vector<std::filesystem::path>& places) {
  if (checkpoint.tokenizer) return;
  std::string all;
  for (size_t index = 0; index < places.size() && index < 6; ++index) {
    all += (index == 0 ? "" : ", ") + quoted(places[index]);
  }
  checkpoint.missing.push_back(str_cat(
      "No tokenizer was found (spiece.model or tokenizer.json, also in google/umt5-xxl and "
      "tokenizer) in ",
      all, places.size() > 6 ? str_cat(" and ", places.size() - 6, " more folders") : "", '.'));
}

// config.json is believed about the number of blocks when it is about this network at all.
void expect_blocks(Checkpoint& checkpoint) {
  const ModelSettings& settings = checkpoint.settings;
  if (!checkpoint.dit || !settings.layers || !settings.dim) return;
  const StoredTensor* patch = checkpoint.dit->find("patch_embedding.weight");
  if (patch == nullptr || patch->entry->shape.axes() == 0) return;
  if (patch->entry->shape[0] == *settings.dim) checkpoint.dit->expected_blocks = *settings.layers;
}

void add_loras(Checkpoint& checkpoint, const std::vector<LoraChoice>& choices) {
  if (!checkpoint.dit) return;
  for (const LoraChoice& choice : choices) {
    REEL_REQUIRE(std::isfinite(choice.strength), kInvalidArgument,
                 str_cat("The strength of ", quoted(choice.path), " is not finite."));
    const Lora lora = open_lora(choice.path);
    const auto absent = add_lora(*checkpoint.dit, lora, choice.strength);
    if (std::string sentence = left_out_sentence(lora, absent); !sentence.empty()) {
      checkpoint.warnings.push_back(std::move(sentence));
    }
    checkpoint.loras.push_back({.file = lora.file, .strength = choice.strength});
    checkpoint.notes.push_back(
        str_cat("The LoRA ", quoted(choice.path.filename()), " changes ",
                lora.changes.size() - absent.size(), " tensors, strength ", choice.strength, "; ",
                format_bytes(lora.file->file_size_bytes()), " are read with the weights."));
  }
}

void check_options(const OpenOptions& options) {
  const std::string& variant = options.variant;
  REEL_REQUIRE(variant.empty() || variant == "fp8" || variant == "int8" || variant == "bf16",
               kInvalidArgument,
               str_cat("variant is \"", variant, "\"; fp8, int8 and bf16 are possible."));
}

}  // namespace

const char* network_name(Network network) {
  switch (network) {
    case Network::kDit: return "DiT";
    case Network::kTextEncoder: return "text encoder";
    case Network::kVae: return "VAE";
    case Network::kTae: return "TAE";
  }
  return "network";
}

const StoredTensor* Component::find(std::string_view name) const {
  const auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

const Shape& Component::shape_of(std::string_view name) const {
  const StoredTensor* tensor = find(name);
  REEL_REQUIRE(tensor != nullptr, kNotFound,
               str_cat(quoted(path), " has no tensor ", formats::quoted_name(name), ", which the ",
                       network_name(network), " needs",
                       absent_files.empty()
                           ? std::string(".")
                           : str_cat("; the file ", formats::quoted_name(absent_files[0]),
                                     " of its index is not there", absence(path, absent_files[0]))),
               "Download what is missing, or give another copy of the model.");
  return tensor->entry->shape;
}

Checkpoint open_checkpoint(const OpenOptions& options) {
  check_options(options);
  Checkpoint checkpoint{.path = options.model};
  Search search(options);
  checkpoint.dit = search.dit(checkpoint);
  checkpoint.text_encoder = search.text_encoder(checkpoint);
  checkpoint.vae = search.vae(checkpoint);
  checkpoint.preview = search.preview(checkpoint);
  REEL_REQUIRE(checkpoint.dit || checkpoint.text_encoder || checkpoint.vae, kNotFound,
               str_cat(quoted(options.model), " holds no network that is known here. ",
                       checkpoint.missing[0]),
               "Give a Wan2.1 text-to-video checkpoint: a folder, a .safetensors or a .gguf file.");

  checkpoint.tokenizer =
      find_tokenizer(options.tokenizer, checkpoint.text_encoder, search.places());
  report_missing_tokenizer(checkpoint, search.places());
  report_absent_files(checkpoint);
  const FoundSettings found = find_settings(checkpoint.dit, search.places());
  checkpoint.settings = found.settings;
  checkpoint.config = found.path;
  expect_blocks(checkpoint);
  const FoundVerdict verdict = find_verdict(options, search.dit_candidate(), found.path);
  checkpoint.verdict = verdict.verdict;
  checkpoint.verdict_evidence = verdict.evidence;
  if (options.use_slabs) use_slab(checkpoint);
  add_loras(checkpoint, options.loras);
  return checkpoint;
}

}  // namespace reel::checkpoint
