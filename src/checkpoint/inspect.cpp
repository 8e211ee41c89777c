// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/inspect.h"

#include <reel/error.h>

#include <map>
#include <set>
#include <utility>

namespace reel::checkpoint {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TensorGroup group_of(Network network, std::string_view name, const Shape& shape) {
  const bool is_vector = name.ends_with(".bias") || contains(name, "norm") ||
                         name.ends_with("gamma") || name.ends_with("modulation") ||
                         contains(name, "pos_embedding");
  if (is_vector) return TensorGroup::kNormAndBias;
  if (network == Network::kTae) return TensorGroup::kConvolution;
  if (network == Network::kVae) {
    const bool in_attention = contains(name, "to_qkv") || contains(name, "proj");
    return in_attention ? TensorGroup::kAttention : TensorGroup::kConvolution;
  }
  if (!name.starts_with("blocks.")) return TensorGroup::kEmbedding;
  if (shape.axes() < 2) return TensorGroup::kOther;
  if (contains(name, "attn.")) return TensorGroup::kAttention;
  return contains(name, "ffn.") ? TensorGroup::kFeedForward : TensorGroup::kOther;
}

int64_t count_blocks(const Component& component, std::vector<std::string>& problems) {
  if (component.network == Network::kVae || component.network == Network::kTae) return 0;
  try {
    return block_count(component, "blocks.");
  } catch (const Error& error) {
    problems.push_back(error.what());
    return 0;
  }
}

NetworkReport report_of(const Component& component) {
  NetworkReport report{.network = component.network,
                       .layout = component.layout,
                       .precision = component.precision,
                       .path = component.path,
                       .evidence = component.evidence,
                       .unread = component.unread};
  std::map<std::pair<TensorGroup, DType>, GroupReport> groups;
  std::set<const formats::TensorFile*> files;
  for (const auto& [name, tensor] : component.tensors) {
    const formats::TensorEntry& entry = *tensor.entry;
    const TensorGroup group = group_of(component.network, name, entry.shape);
    GroupReport& sum = groups[{group, entry.dtype}];
    sum.group = group;
    sum.dtype = entry.dtype;
    ++sum.tensors;
    sum.elements += entry.shape.elements();
    sum.size_bytes += entry.size_bytes;
    sum.scale_bytes += tensor.scale == nullptr ? 0 : tensor.scale->size_bytes;
    files.insert(tensor.file.get());
  }
  for (const auto& [key, sum] : groups) {
    report.groups.push_back(sum);
    report.tensors += sum.tensors;
    report.parameters += sum.elements;
    report.size_bytes += sum.size_bytes + sum.scale_bytes;
  }
  report.files = static_cast<int64_t>(files.size());
  report.blocks = count_blocks(component, report.problems);
  return report;
}

}  // namespace

const char* tensor_group_name(TensorGroup group) {
  switch (group) {
    case TensorGroup::kEmbedding: return "embeddings and head";
    case TensorGroup::kAttention: return "attention matrices";
    case TensorGroup::kFeedForward: return "feed-forward matrices";
    case TensorGroup::kConvolution: return "convolutions";
    case TensorGroup::kNormAndBias: return "norms and biases";
    case TensorGroup::kOther: return "other";
  }
  return "other";
}

InspectReport inspect(const Checkpoint& checkpoint) {
  InspectReport report{.path = checkpoint.path,
                       .tokenizer = checkpoint.tokenizer,
                       .verdict = checkpoint.verdict,
                       .verdict_evidence = checkpoint.verdict_evidence,
                       .settings = checkpoint.settings,
                       .notes = checkpoint.notes,
                       .missing = checkpoint.missing};
  for (const auto* component : {&checkpoint.dit, &checkpoint.text_encoder, &checkpoint.vae}) {
    if (*component) report.networks.push_back(report_of(**component));
  }
  return report;
}

}  // namespace reel::checkpoint
