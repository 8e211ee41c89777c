// SPDX-License-Identifier: Apache-2.0
// Memory has one owner, which may hand it on.
#include "core/buffer.h"

#include <utility>

inline reel::Buffer hand_on_buffer(reel::Buffer& from) {
#ifdef MUST_NOT_COMPILE
  return from;  // error: delete|copy constructor
#else
  return std::move(from);
#endif
}
