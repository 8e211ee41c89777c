// SPDX-License-Identifier: Apache-2.0
// A kernel table that lets somebody watch: models and ops do not know.
#pragma once

#include "ops/op_record.h"

namespace reel::ops {

class OpObserver {
 public:
  virtual ~OpObserver() = default;
  // Around every call of a kernel, on the thread that makes it. `ticket` is what begin() gave.
  virtual int64_t begin(Stream stream) = 0;
  virtual void end(int64_t ticket, const OpRecord& op, Stream stream) = 0;
};

// The kernels of `kernels`, each call between begin() and end(). `observer` must outlive the
// result.
Kernels observed(const Kernels& kernels, OpObserver& observer);

}  // namespace reel::ops
