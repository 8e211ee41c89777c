// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/component.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/error.h"
#include "checkpoint/precision.h"
#include "checkpoint/scales.h"
#include "checkpoint/slab_source.h"
#include "formats/quoted.h"
#include "formats/slab.h"

namespace reel::checkpoint {
namespace {

using formats::quoted;
using formats::quoted_name;
using formats::TensorEntry;

class Builder {
 public:
  explicit Builder(const Candidate& candidate) : candidate_(candidate) {
    component_.network = candidate.network;
    component_.path = candidate.path;
    component_.absent_files = candidate.absent_files;
  }

  Component build() && {
    for (const WeightFilePtr& file : candidate_.files) {
      for (const TensorEntry& entry : file->tensors->entries()) add(*file, entry);
    }
    const ScaleStyle style = attach_scales(scales_, component_);
    refuse_mixed_precision(candidate_);
    component_.precision = precision_of(candidate_);
    component_.layout = layout_name(candidate_, style, component_.precision);
    add_evidence();
    if (formats::is_slab(*candidate_.files[0]->tensors)) add_slab();
    return std::move(component_);
  }

 private:
  void add(const WeightFile& file, const TensorEntry& entry) {
    const Part& part = *file.part(candidate_.network);
    const std::string_view name = entry.name;
    const auto ours = name.starts_with(part.prefix)
                          ? part.naming->ours(name.substr(part.prefix.size()))
                          : std::nullopt;
    if (!ours) {
      component_.unread.push_back(entry.name);
    } else if (ours->leaf.empty() || ours->leaf == "weight" || ours->leaf == "bias") {
      add_tensor(file, entry, ours->full());
    } else {
      scales_.push_back({ours->module, ours->leaf, file.tensors, &entry});
    }
  }

  void add_tensor(const WeightFile& file, const TensorEntry& entry, const std::string& name) {
    const auto [at, is_new] = component_.tensors.try_emplace(name);
    if (is_new) {
      at->second.file = file.tensors;
      at->second.entry = &entry;
      return;
    }
    const StoredTensor& other = at->second;
    REEL_REQUIRE(
        other.file == file.tensors, kBadFile,
        str_cat(quoted(candidate_.path), " holds ", quoted_name(name), " twice: as ",
                other.entry->dtype, " in ", quoted(other.file->path().filename()), " and as ",
                entry.dtype, " in ", quoted(file.path.filename()),
                "; one checkpoint in a folder is needed."),
        "Move one of them elsewhere, or give the file of a single-file checkpoint itself.");
    component_.unread.push_back(entry.name);  // the same table under its second name
  }

  void add_evidence() {
    static constexpr const char* kTelling[] = {
        "blocks.0.self_attn.norm_q.weight",
        "patch_embedding.weight",
        "token_embedding.weight",
        "blocks.0.pos_embedding.embedding.weight",
        "decoder.conv1.weight",
        "decoder.middle.0.residual.0.gamma",
        "decoder.3.conv.0.weight",
    };
    for (const char* name : kTelling) {
      if (const StoredTensor* tensor = component_.find(name)) {
        component_.evidence.push_back(
            str_cat(quoted_name(tensor->entry->name), " is ", tensor->entry->shape));
      }
    }
  }

  void add_slab() {
    const formats::TensorFile& file = *candidate_.files[0]->tensors;
    for (auto& [name, tensor] : component_.tensors) {
      tensor.digest = formats::slab_digest(file, tensor.entry->name);
    }
    const auto layout = file.metadata().find(slab_layout_key(component_.network));
    if (layout != file.metadata().end()) component_.layout = "slab of " + layout->second;
    // What belongs to the other networks is no news.
    const std::string& prefix = candidate_.files[0]->part(component_.network)->prefix;
    std::erase_if(component_.unread,
                  [&](const std::string& name) { return !name.starts_with(prefix); });
  }

  const Candidate& candidate_;
  Component component_;
  std::vector<FoundScale> scales_;
};

}  // namespace

Component build_component(const Candidate& candidate) { return Builder(candidate).build(); }

}  // namespace reel::checkpoint
