// SPDX-License-Identifier: Apache-2.0
// Reference attention: one query at a time, all logits held.
#include <algorithm>
#include <vector>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"

namespace reel::cpu::reference {
namespace {

double logit(const ops::AttentionArgs& args, int64_t head, int64_t query, int64_t key) {
  const int64_t q_row = query * args.q_stride + head * args.head_dim;
  const int64_t k_row = key * args.k_stride + head * args.head_dim;
  double sum = 0;
  for (int64_t at = 0; at < args.head_dim; ++at) {
    sum += double{load(args.q, args.dtype, q_row + at)} * load(args.k, args.dtype, k_row + at);
  }
  sum *= args.scale;
  if (args.key_bias != nullptr) sum += args.key_bias[key];
  if (args.relative_bias != nullptr) {
    sum += args.relative_bias[head * args.relative_stride + key - query + args.queries - 1];
  }
  return sum;
}

void attend(const ops::AttentionArgs& args, int64_t head, int64_t query) {
  std::vector<double> weights(static_cast<size_t>(args.keys));
  for (int64_t key = 0; key < args.keys; ++key) {
    weights[static_cast<size_t>(key)] = logit(args, head, query, key);
  }
  const double largest = *std::max_element(weights.begin(), weights.end());
  double total = 0;
  for (double& weight : weights) total += weight = std::exp(weight - largest);
  for (int64_t at = 0; at < args.head_dim; ++at) {
    double sum = 0;
    for (int64_t key = 0; key < args.keys; ++key) {
      sum += weights[static_cast<size_t>(key)] *
             load(args.v, args.dtype, key * args.v_stride + head * args.head_dim + at);
    }
    store(args.out, args.dtype, query * args.out_stride + head * args.head_dim + at, sum / total);
  }
}

}  // namespace

void attention(const ops::AttentionArgs& args, Stream) {
  parallel_for(args.queries * args.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) attend(args, at % args.heads, at / args.heads);
  });
}

void expand_bias(const ops::ExpandBiasArgs& args, Stream) {
  for (int64_t head = 0; head < args.heads; ++head) {
    for (int64_t at = 0; at < args.count; ++at) {
      args.out[head * args.count + at] = args.table[args.bucket[at] * args.heads + head];
    }
  }
}

}  // namespace reel::cpu::reference
