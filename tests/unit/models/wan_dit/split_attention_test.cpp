// SPDX-License-Identifier: Apache-2.0
// Self-attention on several ranks against one rank, to the bit, with the reference kernels.
#include "models/wan_dit/split_attention.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backends/cpu/backend.h"
#include "support/random_tensor.h"
#include "support/run_ranks.h"
#include "unit/models/wan_dit/attention_problem.h"

namespace reel::wan_dit {
namespace {

using test::AttentionProblem;

struct Case {
  int ranks;
  int64_t tokens, heads;
  bool int8;
  int64_t row_chunk = 0;
  DType compute = DType::kF32;
  DType values = DType::kF16;  // of 8-bit attention
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.ranks << " ranks, " << c.tokens << " tokens, " << c.heads << " heads, "
       << (c.int8 ? "int8" : "wide") << ", chunks of " << c.row_chunk << ", " << c.compute
       << ", values in " << c.values;
}

class SplitAttention : public testing::TestWithParam<Case> {
 protected:
  // attend(context) with an arena of its own.
  template <typename Attend>
  static void run(Attend attend) {
    Arena arena{"test"};
    const StopFlag stop;
    ops::Context ctx{.kernels = cpu::reference_kernels(),
                     .arena = arena,
                     .stop = stop,
                     .compute = GetParam().compute,
                     .int8_attention = GetParam().int8,
                     .attention_values = GetParam().values,
                     .row_chunk = GetParam().row_chunk};
    attend(ctx);
  }
};

TEST_P(SplitAttention, EqualsThatOfOneRankToTheBit) {
  const Case& c = GetParam();
  const AttentionProblem problem(c.tokens, c.heads, c.compute);
  const Tensor want = problem.x();
  run([&](ops::Context& ctx) {
    self_attention(ctx, problem.weights(), problem.modulation(), problem.rope(), want);
  });
  const Tensor got = problem.x();

  test::run_ranks(c.ranks, [&](comm::Communicator& ranks) {
    run([&](ops::Context& ctx) {
      const nn::SequenceParallel split(ranks, c.tokens, c.heads, kHeadDim);
      const TensorView own = got.view().slice(split.rows().begin, split.rows().count);
      split_self_attention(ctx, problem.weights(), problem.modulation(), problem.rope(), split,
                           own);
    });
  });

  EXPECT_GT(test::relative_error(want, problem.x()), 1e-3);
  EXPECT_EQ(std::memcmp(got.bytes().data(), want.bytes().data(), want.bytes().size()), 0)
      << "they differ by " << test::relative_error(got, want);
}

INSTANTIATE_TEST_SUITE_P(Cases, SplitAttention,
                         testing::Values(Case{2, 91, 3, false}, Case{2, 91, 3, true},
                                         Case{3, 91, 4, true},
                                         Case{2, 91, 3, true, 0, DType::kF32, DType::kF8E4M3},
                                         Case{3, 20, 4, false, 0, DType::kBF16},
                                         Case{4, 17, 4, true}, Case{8, 9, 8, false},
                                         Case{8, 9, 8, true, 1},
                                         Case{2, 300, 2, true, 128, DType::kBF16}));

}  // namespace
}  // namespace reel::wan_dit
