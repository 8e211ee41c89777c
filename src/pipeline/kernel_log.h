// SPDX-License-Identifier: Apache-2.0
// Which kernels computed the products, the attention and the convolutions of a run.
#pragma once

#include <reel/report.h>

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "ops/observed_kernels.h"

namespace reel::pipeline {

// May be called by several threads.
class KernelLog : public ops::OpObserver {
 public:
  int64_t begin(Stream) override { return 0; }
  void end(int64_t ticket, const ops::OpRecord& op, Stream stream) override;

  // Those that did the most first, family by family.
  std::vector<KernelUse> uses() const;

 private:
  using Key = std::tuple<int, std::string_view, DType>;  // family, kernel; names are literals
  struct Sum {
    int64_t calls = 0, flops = 0;
  };

  mutable std::mutex mutex_;
  std::map<Key, Sum> sums_;
};

}  // namespace reel::pipeline
