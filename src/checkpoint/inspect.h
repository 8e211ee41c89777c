// SPDX-License-Identifier: Apache-2.0
// What a checkpoint is, as plain data for `reel inspect` to print.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace reel::checkpoint {

enum class TensorGroup {
  kEmbedding,    // what stands before and after the blocks
  kAttention,    // matrices
  kFeedForward,  // matrices
  kConvolution,  // of the VAE or TAE
  kNormAndBias,  // norms, biases, modulation, position tables
  kOther,
};
const char* tensor_group_name(TensorGroup group);  // "attention matrices", ...

struct GroupReport {
  TensorGroup group = TensorGroup::kOther;
  DType dtype = DType::kF32;
  int64_t tensors = 0;
  int64_t elements = 0;
  uint64_t size_bytes = 0;
  uint64_t scale_bytes = 0;
};

struct NetworkReport {
  Network network = Network::kDit;
  std::string layout, precision;
  std::filesystem::path path;
  std::vector<std::string> evidence;
  std::vector<GroupReport> groups;  // by group, then dtype
  int64_t tensors = 0;
  int64_t parameters = 0;
  uint64_t size_bytes = 0;  // with scales
  int64_t files = 0;
  int64_t blocks = 0;  // 0 in the VAE and TAE
  std::vector<std::string> unread;
  std::vector<std::string> problems;  // sentences: a missing block file, ...
};

struct InspectReport {
  std::filesystem::path path;
  std::vector<NetworkReport> networks;  // DiT, text encoder, VAE: those that were found
  std::optional<TokenizerSource> tokenizer;
  Verdict verdict = Verdict::kDistilled;
  std::string verdict_evidence;
  ModelSettings settings;
  std::vector<std::string> notes;
  std::vector<std::string> missing;
};

// Reads nothing: everything is known from the headers.
InspectReport inspect(const Checkpoint& checkpoint);

}  // namespace reel::checkpoint
