// SPDX-License-Identifier: Apache-2.0
// The text encoder under llama.cpp's names, as its GGUF converter writes them. GGUF files of the
// DiT keep Wan's names.
//
// Source: ggml-org/llama.cpp, src/llama-arch.cpp, architectures t5 and t5encoder.
#include "checkpoint/naming.h"

namespace reel::checkpoint {
namespace {

constexpr struct {
  const char *ours, *theirs;
} kGgmlPairs[] = {
    {"token_embedding", "token_embd"},
    {"norm", "enc.output_norm"},
    {"blocks.#.norm1", "enc.blk.#.attn_norm"},
    {"blocks.#.attn.q", "enc.blk.#.attn_q"},
    {"blocks.#.attn.k", "enc.blk.#.attn_k"},
    {"blocks.#.attn.v", "enc.blk.#.attn_v"},
    {"blocks.#.attn.o", "enc.blk.#.attn_o"},
    {"blocks.#.pos_embedding.embedding", "enc.blk.#.attn_rel_b"},
    {"blocks.#.norm2", "enc.blk.#.ffn_norm"},
    {"blocks.#.ffn.gate.0", "enc.blk.#.ffn_gate"},
    {"blocks.#.ffn.fc1", "enc.blk.#.ffn_up"},
    {"blocks.#.ffn.fc2", "enc.blk.#.ffn_down"},
};

}  // namespace

Naming llama_cpp_text_encoder_naming() {
  std::vector<NamePair> pairs;
  for (const auto& pair : kGgmlPairs) pairs.push_back({pair.ours, pair.theirs});
  return {Network::kTextEncoder, "llama.cpp", pairs};
}

}  // namespace reel::checkpoint
