// SPDX-License-Identifier: Apache-2.0
// Self-attention on several ranks against one rank, to the bit, with the reference kernels.
#include "models/wan_dit/split_attention.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backends/cpu/backend.h"
#include "models/wan_dit/self_attention.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "support/run_ranks.h"

namespace reel::wan_dit {
namespace {

using test::random_tensor;

struct Case {
  int ranks;
  int64_t tokens, heads;
  bool int8;
  int64_t row_chunk = 0;
  DType compute = DType::kF32;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.ranks << " ranks, " << c.tokens << " tokens, " << c.heads << " heads, "
       << (c.int8 ? "int8" : "wide") << ", chunks of " << c.row_chunk << ", " << c.compute;
}

// All numbers of one attention.
class Problem {
 public:
  Problem(int64_t tokens, int64_t heads, DType compute)
      : dim_(heads * kHeadDim),
        q_(weight(compute, 1)),
        k_(weight(compute, 2)),
        v_(weight(compute, 3)),
        out_(weight(compute, 4)),
        q_norm_(vector(5)),
        k_norm_(vector(6)),
        shift_(vector(7)),
        scale_(vector(8)),
        gate_(vector(9)),
        rope_(random_tensor({tokens, kHeadDim / 2, 2}, DType::kF32, 10)),
        x_(random_tensor({tokens, dim_}, DType::kF32, 11)) {}

  AttentionWeights weights() const {
    return {.q = layer(q_),
            .k = layer(k_),
            .v = layer(v_),
            .out = layer(out_),
            .q_norm = q_norm_,
            .k_norm = k_norm_};
  }
  Modulation modulation() const { return {.shift = shift_, .scale = scale_, .gate = gate_}; }
  const Tensor& rope() const { return rope_; }
  Tensor x() const { return test::copy_of(x_); }

 private:
  Tensor vector(uint64_t seed) const { return random_tensor({dim_}, DType::kF32, seed); }
  // Logits of a few units, so that the softmax is neither flat nor a choice.
  Tensor weight(DType dtype, uint64_t seed) const {
    const float most = 2 / std::sqrt(static_cast<float>(dim_));
    return random_tensor({dim_, dim_}, dtype, seed, -most, most);
  }
  nn::Linear layer(const Tensor& w) const {
    return {.weight = {.data = w.view().data, .dtype = w.dtype(), .out = dim_, .in = dim_},
            .bias = {}};
  }

  int64_t dim_;
  Tensor q_, k_, v_, out_, q_norm_, k_norm_, shift_, scale_, gate_, rope_, x_;
};

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
                     .row_chunk = GetParam().row_chunk};
    attend(ctx);
  }
};

TEST_P(SplitAttention, EqualsThatOfOneRankToTheBit) {
  const Case& c = GetParam();
  const Problem problem(c.tokens, c.heads, c.compute);
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
                                         Case{3, 20, 4, false, 0, DType::kBF16},
                                         Case{4, 17, 4, true}, Case{8, 9, 8, false},
                                         Case{8, 9, 8, true, 1},
                                         Case{2, 300, 2, true, 128, DType::kBF16}));

}  // namespace
}  // namespace reel::wan_dit
