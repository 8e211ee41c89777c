// SPDX-License-Identifier: Apache-2.0
// One sequence on several ranks: each has a share of the tokens for all that is done row by row,
// and a share of the heads, with all tokens, for attention.
//
// Source: Jacobs et al. 2023, arXiv:2309.14509 (DeepSpeed Ulysses).
#pragma once

#include <vector>

#include "comm/communicator.h"
#include "ops/context.h"

namespace reel::nn {

struct Share {
  int64_t begin = 0, count = 0;
};

// Tokens for each rank, in order. Where there are enough, every share but the last is a multiple of
// 128, so that kernels put the same rows together as on one rank. Throws kInvalidArgument when
// there are fewer tokens than ranks.
std::vector<Share> share_tokens(int64_t tokens, int ranks);
// Heads for each rank, in order; the first ranks have one more where they do not divide. Throws
// kInvalidArgument when there are fewer heads than ranks.
std::vector<Share> share_heads(int64_t heads, int ranks);

// How one rank of `ranks` changes between its two shares. Sends what it has and no more, so any
// numbers of tokens and heads do.
class SequenceParallel {
 public:
  // `ranks` must outlive this object.
  SequenceParallel(comm::Communicator& ranks, int64_t tokens, int64_t heads, int64_t head_dim);

  int64_t tokens() const { return tokens_.back().begin + tokens_.back().count; }
  // This rank's.
  const Share& rows() const { return own(tokens_); }
  const Share& heads() const { return own(heads_); }
  // The columns of heads().
  Share columns() const { return {heads().begin * head_dim_, heads().count * head_dim_}; }

  // Room for this rank's rows with all heads, sorted by the ranks that the heads belong to.
  TensorView make_sorted(ops::Scratch& scratch, DType dtype) const;
  // `part` [n, all columns] as rows [row, row + n) of this rank's, into a sorted tensor.
  void sort(ops::Context& ctx, const TensorView& part, int64_t row, const TensorView& sorted) const;
  // The way back.
  void unsort(ops::Context& ctx, const TensorView& sorted, int64_t row,
              const TensorView& part) const;

  // out [all tokens, own columns] from every rank's sorted rows.
  void rows_to_heads(ops::Context& ctx, const TensorView& sorted, const TensorView& out) const;
  // The way back.
  void heads_to_rows(ops::Context& ctx, const TensorView& x, const TensorView& sorted) const;
  // all [all tokens, width] from every rank's own rows [own rows, width].
  void gather_rows(ops::Context& ctx, const TensorView& rows, const TensorView& all) const;

 private:
  const Share& own(const std::vector<Share>& shares) const {
    return shares[static_cast<size_t>(ranks_.rank())];
  }
  // What of a sorted tensor belongs to a rank: [own rows, its columns].
  TensorView sorted_part(const TensorView& sorted, const Share& heads) const;
  // Rows of x, by the ranks they belong to.
  std::vector<comm::Piece> pieces_of_rows(const TensorView& x) const;
  std::vector<comm::Piece> pieces_of_sorted(const TensorView& sorted) const;

  comm::Communicator& ranks_;
  std::vector<Share> tokens_, heads_;
  int64_t head_dim_;
};

}  // namespace reel::nn
