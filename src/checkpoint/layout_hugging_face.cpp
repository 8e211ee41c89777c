// SPDX-License-Identifier: Apache-2.0
// The text encoder under the names of the transformers library: diffusers' text_encoder/ and
// ComfyUI's umt5_xxl files.
//
// Source: huggingface/transformers, src/transformers/models/umt5/modeling_umt5.py.
#include "checkpoint/naming.h"

namespace reel::checkpoint {
namespace {

constexpr struct {
  const char *ours, *theirs;
} kHuggingFacePairs[] = {
    {"token_embedding", "shared"},
    {"token_embedding", "encoder.embed_tokens"},  // the same table under its second name
    {"norm", "encoder.final_layer_norm"},
    {"blocks.#.norm1", "encoder.block.#.layer.0.layer_norm"},
    {"blocks.#.attn.q", "encoder.block.#.layer.0.SelfAttention.q"},
    {"blocks.#.attn.k", "encoder.block.#.layer.0.SelfAttention.k"},
    {"blocks.#.attn.v", "encoder.block.#.layer.0.SelfAttention.v"},
    {"blocks.#.attn.o", "encoder.block.#.layer.0.SelfAttention.o"},
    {"blocks.#.pos_embedding.embedding",
     "encoder.block.#.layer.0.SelfAttention.relative_attention_bias"},
    {"blocks.#.norm2", "encoder.block.#.layer.1.layer_norm"},
    {"blocks.#.ffn.gate.0", "encoder.block.#.layer.1.DenseReluDense.wi_0"},
    {"blocks.#.ffn.fc1", "encoder.block.#.layer.1.DenseReluDense.wi_1"},
    {"blocks.#.ffn.fc2", "encoder.block.#.layer.1.DenseReluDense.wo"},
};

}  // namespace

Naming hugging_face_text_encoder_naming() {
  std::vector<NamePair> pairs;
  for (const auto& pair : kHuggingFacePairs) pairs.push_back({pair.ours, pair.theirs});
  return {Network::kTextEncoder, "Hugging Face", pairs};
}

}  // namespace reel::checkpoint
