// SPDX-License-Identifier: Apache-2.0
#include "nn/sequence_parallel.h"

#include <algorithm>

#include "base/error.h"

namespace reel::nn {
namespace {

// Rows that some kernels take together.
constexpr int64_t kShareGrain = 128;

// `count` things in grains of `grain`, the last one shorter; the first ranks have a grain more.
std::vector<Share> share(int64_t count, int64_t grain, int ranks) {
  const int64_t grains = (count + grain - 1) / grain;
  std::vector<Share> shares;
  int64_t begin = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const int64_t mine = grains / ranks + (rank < grains % ranks ? 1 : 0);
    shares.push_back({begin, std::min(mine * grain, count - begin)});
    begin += shares.back().count;
  }
  return shares;
}

std::byte* byte_at(const TensorView& x, int64_t element) {
  return x.as<std::byte>() + storage_bytes(x.dtype, element);
}

size_t bytes_of(const TensorView& x, int64_t elements) {
  return static_cast<size_t>(storage_bytes(x.dtype, elements));
}

}  // namespace

std::vector<Share> share_tokens(int64_t tokens, int ranks) {
  REEL_REQUIRE(tokens >= ranks, kInvalidArgument,
               str_cat("There are ", ranks, " devices for a clip of ", tokens,
                       tokens == 1 ? " token." : " tokens."),
               "Use fewer devices, or a larger clip.");
  const bool are_many = (tokens + kShareGrain - 1) / kShareGrain >= ranks;
  return share(tokens, are_many ? kShareGrain : 1, ranks);
}

std::vector<Share> share_heads(int64_t heads, int ranks) {
  REEL_REQUIRE(heads >= ranks, kInvalidArgument,
               str_cat("There are ", ranks, " devices for a model with ", heads,
                       heads == 1 ? " head" : " heads", " of attention."),
               str_cat("Use at most ", heads, '.'));
  return share(heads, 1, ranks);
}

SequenceParallel::SequenceParallel(comm::Communicator& ranks, int64_t tokens, int64_t heads,
                                   int64_t head_dim)
    : ranks_(ranks),
      tokens_(share_tokens(tokens, ranks.size())),
      heads_(share_heads(heads, ranks.size())),
      head_dim_(head_dim) {}

TensorView SequenceParallel::make_sorted(ops::Scratch& scratch, DType dtype) const {
  const int64_t heads = heads_.back().begin + heads_.back().count;
  return scratch.make(dtype, {rows().count, heads * head_dim_});
}

TensorView SequenceParallel::sorted_part(const TensorView& sorted, const Share& heads) const {
  return {.data = byte_at(sorted, rows().count * heads.begin * head_dim_),
          .dtype = sorted.dtype,
          .shape = {rows().count, heads.count * head_dim_}};
}

void SequenceParallel::sort(ops::Context& ctx, const TensorView& part, int64_t row,
                            const TensorView& sorted) const {
  for (const Share& heads : heads_) {
    const TensorView to = sorted_part(sorted, heads).slice(row, part.rows());
    const size_t run = bytes_of(to, to.width());
    ctx.memory.copy_rows(to.data, run, byte_at(part, heads.begin * head_dim_),
                         bytes_of(part, part.width()), run, static_cast<size_t>(part.rows()),
                         ctx.stream);
  }
}

void SequenceParallel::unsort(ops::Context& ctx, const TensorView& sorted, int64_t row,
                              const TensorView& part) const {
  for (const Share& heads : heads_) {
    const TensorView from = sorted_part(sorted, heads).slice(row, part.rows());
    const size_t run = bytes_of(from, from.width());
    ctx.memory.copy_rows(byte_at(part, heads.begin * head_dim_), bytes_of(part, part.width()),
                         from.data, run, run, static_cast<size_t>(part.rows()), ctx.stream);
  }
}

std::vector<comm::Piece> SequenceParallel::pieces_of_rows(const TensorView& x) const {
  std::vector<comm::Piece> pieces;
  for (const Share& rows : tokens_) {
    pieces.push_back({byte_at(x, rows.begin * x.width()), bytes_of(x, rows.count * x.width())});
  }
  return pieces;
}

std::vector<comm::Piece> SequenceParallel::pieces_of_sorted(const TensorView& sorted) const {
  std::vector<comm::Piece> pieces;
  for (const Share& heads : heads_) {
    const TensorView part = sorted_part(sorted, heads);
    pieces.push_back({part.data, bytes_of(part, part.elements())});
  }
  return pieces;
}

void SequenceParallel::rows_to_heads(ops::Context& ctx, const TensorView& sorted,
                                     const TensorView& out) const {
  ctx.stop.check();
  ranks_.all_to_all(pieces_of_sorted(sorted), pieces_of_rows(out), ctx.memory, ctx.stream);
}

void SequenceParallel::heads_to_rows(ops::Context& ctx, const TensorView& x,
                                     const TensorView& sorted) const {
  ctx.stop.check();
  ranks_.all_to_all(pieces_of_rows(x), pieces_of_sorted(sorted), ctx.memory, ctx.stream);
}

void SequenceParallel::gather_rows(ops::Context& ctx, const TensorView& rows,
                                   const TensorView& all) const {
  ctx.stop.check();
  const comm::Piece mine{rows.data, bytes_of(rows, rows.elements())};
  ranks_.all_to_all(std::vector(tokens_.size(), mine), pieces_of_rows(all), ctx.memory, ctx.stream);
}

}  // namespace reel::nn
