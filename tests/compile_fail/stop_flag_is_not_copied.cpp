// SPDX-License-Identifier: Apache-2.0
// Work that holds a copy would never see the request to stop.
#include "base/stop.h"

inline void take_stop_flag(reel::StopFlag& flag) {
  reel::StopFlag& same = flag;
  same.request();
#ifdef MUST_NOT_COMPILE
  reel::StopFlag copy = flag;  // error: delete
#endif
}
