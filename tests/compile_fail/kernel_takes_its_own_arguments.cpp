// SPDX-License-Identifier: Apache-2.0
// An entry of the table does not take a kernel for another op.
#include "ops/kernels.h"

inline void fill_kernels(reel::ops::Kernels& table) {
  table.add = [](const reel::ops::AddArgs&, reel::Stream) {};
#ifdef MUST_NOT_COMPILE
  table.add = [](const reel::ops::CastArgs&, reel::Stream) {};  // error: no match|no viable
#endif
}
