// SPDX-License-Identifier: Apache-2.0
// Cuts a word into the pieces with the highest sum of log probabilities.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/unigram_model.h"

namespace reel::tokenizer {

// Looks pieces up by their text. `pieces` must outlive it and stay where it is.
class PieceIndex {
 public:
  explicit PieceIndex(const std::vector<Piece>& pieces);

  // -1 when there is no such piece.
  int32_t find(std::string_view text) const;

  // Calls visit(length_bytes, id) for every piece that `text` starts with, shortest first.
  template <typename Visit>
  void for_each_prefix(std::string_view text, const Visit& visit) const;

 private:
  std::string_view text_of(int32_t id) const { return pieces_[static_cast<size_t>(id)].text; }
  const int32_t* narrow(const int32_t* first, const int32_t* last, size_t depth, int byte) const;

  const std::vector<Piece>& pieces_;
  std::vector<int32_t> ids_by_text_;  // of equal texts only the highest id
};

// The Viterbi search of Hugging Face's Unigram model. Every piece takes part, whatever its type.
// An unknown character costs the lowest score of the vocabulary less 10; neighbouring ones become
// one unk_id.
//
// Numerics: sums are float64, and of equal ones the first found stays. sentencepiece adds up
// float32, whose rounding breaks such ties another way ("!!!!!!!!" cut as 4 + 3 + 1 or 1 + 4 + 3).
// Source: huggingface/tokenizers 0.23, models/unigram/model.rs, encode_optimized.
class Unigram {
 public:
  // `model` must outlive it and stay where it is.
  explicit Unigram(const UnigramModel& model);

  const PieceIndex& pieces() const { return index_; }

  // Appends the ids of a word, which must be well-formed.
  void encode(std::string_view word, std::vector<int32_t>& ids) const;

 private:
  // The best way to reach a position of the word.
  struct Node {
    double score = 0;
    int32_t id = -1;
    size_t start = 0;
    bool is_reached = false;
  };

  std::vector<Node> search(std::string_view word) const;
  void append_unknown(std::string_view text, std::vector<int32_t>& ids) const;

  const UnigramModel& model_;
  PieceIndex index_;
  double unknown_score_ = 0;
  std::vector<int32_t> byte_ids_;  // of the <0xNN> pieces; -1 where there is none
};

}  // namespace reel::tokenizer
