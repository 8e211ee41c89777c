// SPDX-License-Identifier: Apache-2.0
// What a surface includes brings no name of the rooms below.
#include <reel/request.h>

inline bool has_prompt(const reel::VideoRequest& request) {
#ifdef MUST_NOT_COMPILE
  const reel::TensorView* view = nullptr;  // error: TensorView
#endif
  return !request.prompt.empty();
}
