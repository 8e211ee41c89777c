// SPDX-License-Identifier: Apache-2.0
// The words of a fault.
#include <cstdio>
#include <cstring>

#include "cuda_host/warps.h"

namespace reel::cuda_host {

Text& Text::operator<<(const char* text) {
  for (; *text != 0 && length_ + 1 < sizeof text_; ++text) text_[length_++] = *text;
  text_[length_] = 0;
  return *this;
}

Text& Text::operator<<(int64_t number) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(number));
  return *this << digits;
}

Text& Text::operator<<(const Site& site) {
  const char* slash = std::strrchr(site.file, '/');
  return *this << (slash != nullptr ? slash + 1 : site.file) << ":" << site.line;
}

Text& operator<<(Text& text, ThreadName name) {
  return text << "thread " << name.thread << " (lane " << name.thread % kLanes << " of warp "
              << name.thread / kLanes << ")";
}

}  // namespace reel::cuda_host
