// SPDX-License-Identifier: Apache-2.0
// What is done to a text before it is cut into words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/unigram_model.h"

namespace reel::tokenizer {

// sentencepiece's precompiled map: u32 trie size, a double-array trie over UTF-8 bytes, and the
// NUL-separated texts that its leaves point to. Little-endian.
class Charsmap {
 public:
  // Throws kBadFile when the sizes do not fit or the texts are not UTF-8. A trie that points
  // outside itself is not refused; it matches nothing there.
  explicit Charsmap(std::string_view bytes);

  // Replaces every cluster of a well-formed text as Hugging Face does: a cluster of less than six
  // bytes becomes what the SHORTEST matching rule says, whole, so an accent may be lost with it;
  // in longer ones every character is replaced on its own. sentencepiece applies the longest rule
  // wherever it matches; after NFC the two differ only in rare accents ("\u2460\u0301").
  //
  // Source: huggingface/tokenizers 0.23, normalizers/precompiled.rs, and its spm_precompiled.
  std::string apply(std::string_view text) const;

 private:
  void append_mapped(std::string_view cluster, std::string& out) const;
  std::optional<std::string_view> shortest_match(std::string_view text) const;
  std::optional<std::string_view> text_at(uint32_t position) const;

  std::vector<uint32_t> trie_;
  std::string texts_;
};

class Normalizer {
 public:
  // Throws kBadFile as Charsmap does.
  explicit Normalizer(const std::vector<NormalizerStep>& steps);

  // `text` must be well-formed. Throws kBadFile when the steps let it grow past 4 MiB.
  std::string apply(std::string_view text) const;

 private:
  std::vector<NormalizerStep> steps_;
  std::vector<Charsmap> charsmaps_;  // one per step of that kind, in their order
};

}  // namespace reel::tokenizer
