// SPDX-License-Identifier: Apache-2.0
#include "pipeline/kernel_log.h"

#include <algorithm>

namespace reel::pipeline {
namespace {

constexpr const char* kFamilies[] = {"products", "attention", "convolutions"};
constexpr int kOther = -1;

int family_of(std::string_view op) {
  if (op == "linear") return 0;
  if (op == "attention" || op == "int8_attention") return 1;
  if (op == "conv") return 2;
  return kOther;
}

}  // namespace

void KernelLog::end(int64_t, const ops::OpRecord& op, Stream) {
  const int family = family_of(op.op);
  if (family == kOther) return;
  const std::lock_guard lock(mutex_);
  Sum& sum = sums_[{family, op.kernel, op.dtype}];
  ++sum.calls;
  sum.flops += op.flops;
}

std::vector<KernelUse> KernelLog::uses() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<int, KernelUse>> sorted;
  for (const auto& [key, sum] : sums_) {
    const auto& [family, kernel, dtype] = key;
    sorted.emplace_back(family, KernelUse{.family = kFamilies[family],
                                          .kernel = std::string(kernel),
                                          .dtype = dtype_name(dtype),
                                          .calls = sum.calls,
                                          .flops = static_cast<double>(sum.flops)});
  }
  std::ranges::stable_sort(sorted, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second.flops > b.second.flops;
  });
  std::vector<KernelUse> uses;
  uses.reserve(sorted.size());
  for (auto& [family, use] : sorted) uses.push_back(std::move(use));
  return uses;
}

}  // namespace reel::pipeline
