// SPDX-License-Identifier: Apache-2.0
// The report of checkpoint/inspect.h through the public API, with the dimensions of each network.
#include <reel/inspect.h>

#include "base/error.h"
#include "checkpoint/inspect.h"
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
  }
  return "";
}

NetworkInfo describe(const Checkpoint& files, const checkpoint::NetworkReport& report) {
  NetworkInfo info{.network = network_name(report.network),
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

}  // namespace

Inspection inspect(const ModelOptions& options) {
  const Checkpoint files = checkpoint::open_checkpoint(open_options(options));
  const checkpoint::InspectReport report = checkpoint::inspect(files);
  Inspection inspection{.path = report.path.string(),
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
