// SPDX-License-Identifier: Apache-2.0
#include "nn/sequence_parallel.h"

#include <gtest/gtest.h>

#include "backends/cpu/backend.h"
#include "core/buffer.h"
#include "support/expect_error.h"
#include "support/run_ranks.h"

namespace reel::nn {
namespace {

using test::run_ranks;

constexpr int64_t kDim = 4;  // of a head

struct Case {
  int ranks;
  int64_t tokens, heads;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.ranks << " ranks, " << c.tokens << " tokens, " << c.heads << " heads";
}

// The number at a token and column of the whole.
float number(int64_t token, int64_t column) { return static_cast<float>(1000 * token + column); }

Tensor filled(const Share& rows, const Share& columns) {
  Tensor x(DType::kF32, {rows.count, columns.count});
  for (int64_t row = 0; row < rows.count; ++row) {
    for (int64_t col = 0; col < columns.count; ++col) {
      x.view().as<float>()[row * columns.count + col] =
          number(rows.begin + row, columns.begin + col);
    }
  }
  return x;
}

void expect_same(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.shape(), want.shape());
  for (size_t at = 0; at < want.values<float>().size(); ++at) {
    ASSERT_EQ(got.values<float>()[at], want.values<float>()[at]) << at;
  }
}

class SequenceParallelTest : public testing::TestWithParam<Case> {
 protected:
  // body(shares, context) on every rank.
  template <typename Body>
  static void on_ranks(Body body) {
    const Case& c = GetParam();
    run_ranks(c.ranks, [&](comm::Communicator& ranks) {
      Arena arena{"test"};
      const StopFlag stop;
      ops::Context ctx{.kernels = cpu::reference_kernels(), .arena = arena, .stop = stop};
      body(SequenceParallel(ranks, c.tokens, c.heads, kDim), ctx);
    });
  }
  static Share all_columns() { return {0, GetParam().heads * kDim}; }
  static Share all_rows() { return {0, GetParam().tokens}; }
};

TEST_P(SequenceParallelTest, TurnsRowsIntoHeadsAndBack) {
  on_ranks([](const SequenceParallel& split, ops::Context& ctx) {
    ops::Scratch scratch{ctx};
    const Tensor rows = filled(split.rows(), all_columns());
    const TensorView sorted = split.make_sorted(scratch, DType::kF32);
    const int64_t first = split.rows().count / 2;  // in two chunks
    split.sort(ctx, rows.view().slice(first, split.rows().count - first), first, sorted);
    split.sort(ctx, rows.view().slice(0, first), 0, sorted);

    const Tensor heads(DType::kF32, {split.tokens(), split.columns().count});
    split.rows_to_heads(ctx, sorted, heads);

    expect_same(heads, filled(all_rows(), split.columns()));

    const TensorView sorted_back = split.make_sorted(scratch, DType::kF32);
    split.heads_to_rows(ctx, heads, sorted_back);
    const Tensor back(DType::kF32, rows.shape());
    split.unsort(ctx, sorted_back, 0, back.view().slice(0, first));
    split.unsort(ctx, sorted_back, first, back.view().slice(first, split.rows().count - first));
    expect_same(back, rows);
  });
}

TEST_P(SequenceParallelTest, GathersTheRowsOfAll) {
  on_ranks([](const SequenceParallel& split, ops::Context& ctx) {
    const Tensor all(DType::kF32, {split.tokens(), 3});
    split.gather_rows(ctx, filled(split.rows(), {5, 3}), all);
    expect_same(all, filled(all_rows(), {5, 3}));
  });
}

INSTANTIATE_TEST_SUITE_P(Shares, SequenceParallelTest,
                         testing::Values(Case{1, 5, 2}, Case{2, 91, 3}, Case{3, 7, 40},
                                         Case{4, 1000, 4}, Case{8, 8, 12}));

std::vector<int64_t> counts(const std::vector<Share>& shares) {
  std::vector<int64_t> counts;
  int64_t begin = 0;
  for (const Share& one : shares) {
    EXPECT_EQ(one.begin, begin);
    begin += one.count;
    counts.push_back(one.count);
  }
  return counts;
}

TEST(ShareTokens, TakesMultiplesOf128WhereThereAreEnough) {
  EXPECT_EQ(counts(share_tokens(32760, 4)), (std::vector<int64_t>{8192, 8192, 8192, 8184}));
  EXPECT_EQ(counts(share_tokens(300, 3)), (std::vector<int64_t>{128, 128, 44}));
  EXPECT_EQ(counts(share_tokens(256, 3)), (std::vector<int64_t>{86, 85, 85}));
  EXPECT_EQ(counts(share_tokens(91, 2)), (std::vector<int64_t>{46, 45}));
}

TEST(ShareHeads, GivesTheFirstRanksOneMore) {
  EXPECT_EQ(counts(share_heads(40, 8)), (std::vector<int64_t>(8, 5)));
  EXPECT_EQ(counts(share_heads(12, 8)), (std::vector<int64_t>{2, 2, 2, 2, 1, 1, 1, 1}));
}

TEST(Shares, RefuseARankWithoutAny) {
  EXPECT_REEL_ERROR(share_tokens(3, 4), kInvalidArgument,
                    "There are 4 devices for a clip of 3 tokens.");
  EXPECT_REEL_ERROR(share_heads(2, 3), kInvalidArgument,
                    "There are 3 devices for a model with 2 heads of attention.");
}

}  // namespace
}  // namespace reel::nn
