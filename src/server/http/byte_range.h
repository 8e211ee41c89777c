// SPDX-License-Identifier: Apache-2.0
// The header "Range: bytes=..." (RFC 9110, section 14).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace reel::server {

struct ByteRange {
  uint64_t first = 0, last = 0;  // both inside
};

enum class RangeKind {
  kWhole,  // no range, or none that is understood: the whole file is the answer
  kPart,
  kUnsatisfiable,  // 416
};

// Of a file of `size_bytes`. Several ranges are answered with the whole file, as is allowed.
RangeKind read_range(std::string_view header, uint64_t size_bytes, ByteRange& range);

}  // namespace reel::server
