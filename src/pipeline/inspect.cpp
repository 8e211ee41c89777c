// SPDX-License-Identifier: Apache-2.0
// The report of checkpoint/inspect.h through the public API, with the dimensions of each network.
#include <reel/inspect.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>

#include "base/error.h"
#include "checkpoint/evidence.h"
#include "checkpoint/inspect.h"
#include "checkpoint/lora.h"
#include "pipeline/model_configs.h"
#include "pipeline/open_model.h"

namespace reel {
namespace {

using namespace pipeline;
using checkpoint::Checkpoint;
using checkpoint::Network;

std::string dimensions_of(const Checkpoint& files, Network network) {
  switch (network) {
    case Network::kDit: {
      const wan_dit::Config c = dit_config(files);
      return str_cat("dim ", c.dim, ", ffn ", c.ffn_dim, ", ", c.heads(), " heads, ", c.layers,
                     " blocks, text ", c.text_dim);
    }
    case Network::kTextEncoder: {
      const umt5::Config c = text_config(*files.text_encoder);
      return str_cat("dim ", c.dim, ", ffn ", c.ffn_dim, ", ", c.heads, " heads, ", c.layers,
                     " layers, vocabulary ", c.vocab);
    }
    case Network::kVae: {
      const auto& c = vae_config(*files.vae).channels;
      return str_cat("decoder channels ", c[0], ", ", c[1], ", ", c[2], ", ", c[3], ", ", c[4]);
    }
    case Network::kTae: {
      const auto& c = tae_config(*files.vae, "auto").channels;
      return str_cat("decoder channels ", c[0], ", ", c[1], ", ", c[2], ", ", c[3]);
    }
  }
  return "";
}

// A light VAE is one by its width.
std::string name_of(const Checkpoint& files, Network network) {
  if (network != Network::kVae) return network_name(network);
  const checkpoint::StoredTensor* first = files.vae->find("decoder.conv1.weight");
  const bool is_light = first != nullptr && first->entry->shape.axes() > 0 &&
                        first->entry->shape[0] == wan_vae::kLightWidth;
  return is_light ? "light VAE" : "VAE";
}

NetworkInfo describe(const Checkpoint& files, const checkpoint::NetworkReport& report) {
  NetworkInfo info{.network = name_of(files, report.network),
                   .layout = report.layout,
                   .precision = report.precision,
                   .path = report.path.string(),
                   .evidence = report.evidence,
                   .groups = {},
                   .tensors = report.tensors,
                   .parameters = report.parameters,
                   .files = report.files,
                   .blocks = report.blocks,
                   .size_bytes = report.size_bytes,
                   .dimensions = {},
                   .unread_tensors = static_cast<int64_t>(report.unread.size()),
                   .problems = report.problems};
  for (const checkpoint::GroupReport& group : report.groups) {
    info.groups.push_back({.group = tensor_group_name(group.group),
                           .dtype = dtype_name(group.dtype),
                           .tensors = group.tensors,
                           .parameters = group.elements,
                           .size_bytes = group.size_bytes + group.scale_bytes});
  }
  try {
    info.dimensions = dimensions_of(files, report.network);
  } catch (const Error& error) {
    if (info.problems.empty()) info.problems.push_back(error.what());
  }
  return info;
}

// Nothing for what is no LoRA, damaged files included.
std::optional<checkpoint::Lora> lora_at(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  try {
    if (!checkpoint::is_lora(*formats::open_tensor_file(path))) return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
  return checkpoint::open_lora(path);
}

// The block of "blocks.17.ffn.0.weight" is "17"; empty for a tensor of no block.
std::string block_of(const std::string& name) {
  const std::string prefix = "blocks.";
  if (!name.starts_with(prefix)) return "";
  return name.substr(prefix.size(), name.find('.', prefix.size()) - prefix.size());
}

LoraInfo describe(const checkpoint::Lora& lora) {
  LoraInfo info{.key_styles = lora.styles,
                .namings = lora.namings,
                .size_bytes = lora.file->file_size_bytes(),
                .distils = checkpoint::why_it_distils(lora.path),
                .unknown = lora.unknown};
  std::tie(info.least_rank, info.most_rank) = checkpoint::ranks_of(lora);
  std::set<std::string> blocks, dtypes;
  bool is_first = true;
  for (const checkpoint::LoraChange& change : lora.changes) {
    dtypes.insert(dtype_name(change.delta.up->dtype));
    if (std::string block = block_of(change.target); !block.empty()) blocks.insert(block);
    if (change.delta.down == nullptr) {
      ++info.deltas;
      continue;
    }
    ++info.matrices;
    const float factor = change.delta.factor;
    info.least_factor = is_first ? factor : std::min(info.least_factor, factor);
    info.most_factor = is_first ? factor : std::max(info.most_factor, factor);
    is_first = false;
  }
  info.blocks = static_cast<int64_t>(blocks.size());
  for (const std::string& dtype : dtypes) info.dtype += (info.dtype.empty() ? "" : " and ") + dtype;
  return info;
}

}  // namespace

Inspection inspect(const ModelOptions& options) {
  if (const auto lora = lora_at(open_options(options).model)) {
    return {.path = lora->path.string(), .lora = describe(*lora)};
  }
  const Checkpoint files = checkpoint::open_checkpoint(open_options(options));
  const checkpoint::InspectReport report = checkpoint::inspect(files);
  Inspection inspection{.path = report.path.string(),
                        .lora = std::nullopt,
                        .networks = {},
                        .tokenizer = report.tokenizer ? report.tokenizer->path.string() : "",
                        .distilled = report.verdict == checkpoint::Verdict::kDistilled,
                        .verdict_evidence = report.verdict_evidence,
                        .notes = report.notes,
                        .missing = report.missing,
                        .is_complete = report.missing.empty()};
  for (const checkpoint::NetworkReport& network : report.networks) {
    inspection.networks.push_back(describe(files, network));
    if (!inspection.networks.back().problems.empty()) inspection.is_complete = false;
  }
  return inspection;
}

}  // namespace reel
