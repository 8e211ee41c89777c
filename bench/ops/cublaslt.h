// SPDX-License-Identifier: Apache-2.0
// The same products by NVIDIA's library, where it is installed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/dtype.h"

namespace reel::bench {

// x [rows, in] times w [out, in], both `dtype`: kI8 to INT32, kBF16 to bf16.
struct LtProduct {
  DType dtype;
  int64_t rows, in, out;
};

class CublasLt {
 public:
  // Null where the library cannot be loaded.
  static std::unique_ptr<CublasLt> open();
  virtual ~CublasLt() = default;

  // Picks the algorithm that the library thinks best; the product that run() computes from now on.
  // False when it has none.
  virtual bool choose(const LtProduct& product) = 0;
  virtual void run(const void* x, const void* w, void* result) = 0;
};

}  // namespace reel::bench
