// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/onednn_kernels.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "backends/cpu/backend.h"
#include "support/random_tensor.h"

namespace reel::cpu {
namespace {

// Attention of random tensors with these sizes.
struct Problem {
  int64_t queries, keys, heads;
  Tensor q = random(queries, 1), k = random(keys, 2), v = random(keys, 3);

  static constexpr int64_t kHeadDim = 64;

  Tensor random(int64_t rows, uint64_t seed) const {
    return test::random_tensor({rows, heads, kHeadDim}, DType::kF32, seed);
  }

  Tensor attend() const {
    Tensor out = test::poisoned_tensor({queries, heads, kHeadDim}, DType::kF32);
    const int64_t stride = heads * kHeadDim;
    kernels().attention({.q = q.view().data,
                         .k = k.view().data,
                         .v = v.view().data,
                         .out = out.view().data,
                         .dtype = DType::kF32,
                         .queries = queries,
                         .keys = keys,
                         .heads = heads,
                         .head_dim = kHeadDim,
                         .q_stride = stride,
                         .k_stride = stride,
                         .v_stride = stride,
                         .out_stride = stride,
                         .scale = 0.125f},
                        {});
    return out;
  }
};

// Their scratch memory is the process's.
TEST(OneDnnKernels, MayBeCalledFromSeveralThreads) {
  const std::vector<Problem> problems = [] {
    std::vector<Problem> all;
    for (const int64_t keys : {33, 70, 129})
      all.push_back({.queries = 40, .keys = keys, .heads = 2});
    return all;
  }();
  std::vector<std::vector<double>> errors(problems.size());
  std::vector<Tensor> alone;
  for (const Problem& problem : problems) alone.push_back(problem.attend());

  std::vector<std::thread> threads;
  for (size_t at = 0; at < problems.size(); ++at) {
    threads.emplace_back([&, at] {
      for (int time = 0; time < 100; ++time) {
        errors[at].push_back(test::relative_error(problems[at].attend().view(), alone[at].view()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  for (const auto& of_one : errors) {
    for (const double error : of_one) EXPECT_EQ(error, 0);
  }
}

}  // namespace
}  // namespace reel::cpu
