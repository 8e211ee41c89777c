// SPDX-License-Identifier: Apache-2.0
// Arithmetic that a GPU's compiler reads too includes <cstdint> alone.
#include "core/numerics/small_floats.h"

inline uint32_t one_as_bits() {
#ifdef MUST_NOT_COMPILE
  std::string text;  // error: string
#endif
  return reel::numerics::bits_of(1.0f);
}
