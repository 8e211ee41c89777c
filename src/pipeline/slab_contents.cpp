// SPDX-License-Identifier: Apache-2.0
#include "pipeline/slab_contents.h"

#include <set>
#include <utility>

#include "base/file.h"
#include "checkpoint/slab_source.h"
#include "formats/slab.h"
#include "models/umt5/names.h"
#include "models/wan_dit/names.h"
#include "models/wan_vae/names.h"
#include "pipeline/model_configs.h"
#include "pipeline/tokenizer_source.h"
#include "prepare/weight_items.h"

namespace reel::pipeline {
namespace {

using checkpoint::Component;
using checkpoint::needed_tensors;
using checkpoint::StoredTensor;
using memory::WeightBlock;
using memory::WeightItem;
using memory::WeightKind;

constexpr uint64_t kMostConfigBytes = uint64_t{1} << 20;

// Fills units with the tensors of one network.
class NetworkUnits {
 public:
  NetworkUnits(const Component& component, SlabContents& contents)
      : component_(component), contents_(contents) {}

  void add(const memory::Manifest& manifest) {
    for (const WeightBlock& block : manifest.blocks) add_block(block);
    add_block(manifest.setup);
    add_block(manifest.fixed);
    for (const std::string& table : tables_) {
      begin_unit();
      add_tensor(table);
    }
    // What no run reads, so that nothing is lost.
    begin_unit();
    for (const auto& [name, tensor] : component_.tensors) add_tensor(name);
  }

 private:
  void begin_unit() {
    if (contents_.units.empty() || !contents_.units.back().empty()) contents_.units.emplace_back();
  }

  void add_block(const WeightBlock& block) {
    begin_unit();
    for (const WeightItem& item : block.items) {
      if (item.kind == WeightKind::kTable) {
        tables_.push_back(item.name);
      } else {
        add_tensor(item.name);
      }
    }
  }

  void add_tensor(const std::string& name) {
    const StoredTensor* stored = component_.find(name);
    if (stored == nullptr || !added_.insert(name).second) return;
    const std::string ours = checkpoint::slab_tensor_name(component_.network, name);
    formats::SlabItem item{.tensor = spec(ours, *stored->entry), .scale = std::nullopt};
    if (stored->scale != nullptr) {
      item.scale = spec(formats::slab_scale_name(ours), *stored->scale);
    }
    contents_.units.back().push_back(std::move(item));
    contents_.sources.push_back(*stored);
  }

  static formats::TensorSpec spec(const std::string& name, const formats::TensorEntry& entry) {
    return {.name = name, .dtype = entry.dtype, .shape = entry.shape};
  }

  const Component& component_;
  SlabContents& contents_;
  std::vector<std::string> tables_;
  std::set<std::string> added_;
};

// A TAE is small, and its file's name says what it decodes: it stays where it is.
bool has_vae(const checkpoint::Checkpoint& files) {
  return files.vae && files.vae->network == checkpoint::Network::kVae;
}

void add_networks(const checkpoint::Checkpoint& files, SlabContents& contents) {
  if (files.dit) {
    const wan_dit::Config config = dit_config(files);
    NetworkUnits(*files.dit, contents)
        .add(prepare::make_manifest(
            needed_tensors(wan_dit::name_units(config), wan_dit::dims_of(config))));
  }
  if (files.text_encoder) {
    const umt5::Config config = text_config(*files.text_encoder);
    NetworkUnits(*files.text_encoder, contents)
        .add(prepare::make_manifest(
            needed_tensors(umt5::name_units(config), umt5::dims_of(config))));
  }
  if (has_vae(files)) {
    const wan_vae::Config config = vae_config(*files.vae);
    NetworkUnits(*files.vae, contents)
        .add(prepare::make_manifest(
            needed_tensors(wan_vae::name_units(), wan_vae::dims_of(config))));
  }
}

}  // namespace

SlabContents slab_contents(const checkpoint::Checkpoint& files, const std::filesystem::path& slab) {
  SlabContents contents;
  contents.metadata["format"] = "pt";  // what some readers of safetensors ask for
  contents.metadata["checkpoint_kind"] =
      files.verdict == checkpoint::Verdict::kBase ? "base" : "distilled";
  if (!files.config.empty()) {
    contents.metadata[std::string(checkpoint::kSlabConfig)] =
        read_text_file(files.config, kMostConfigBytes);
  }
  for (const auto* component : {&files.dit, &files.text_encoder, &files.vae}) {
    if (!*component || (component == &files.vae && !has_vae(files))) continue;
    checkpoint::add_slab_source(**component, slab, contents.metadata);
  }
  add_networks(files, contents);
  if (files.tokenizer) {
    contents.tokenizer = read_tokenizer_proto(*files.tokenizer);
    contents.units.push_back(
        {{.tensor = {.name = checkpoint::slab_tokenizer_name(),
                     .dtype = DType::kU8,
                     .shape = {static_cast<int64_t>(contents.tokenizer.size())}},
          .scale = std::nullopt}});
  }
  return contents;
}

}  // namespace reel::pipeline
