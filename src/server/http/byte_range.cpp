// SPDX-License-Identifier: Apache-2.0
#include "server/http/byte_range.h"

#include <algorithm>
#include <charconv>

namespace reel::server {
namespace {

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

RangeKind read_range(std::string_view header, uint64_t size_bytes, ByteRange& range) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return RangeKind::kWhole;
  header.remove_prefix(kUnit.size());
  const size_t dash = header.find('-');
  if (dash == header.npos) return RangeKind::kWhole;
  const auto first = number(header.substr(0, dash)), last = number(header.substr(dash + 1));
  const bool is_suffix = dash == 0, is_open = dash + 1 == header.size();
  if (is_suffix) {
    if (!last) return RangeKind::kWhole;
    if (*last == 0 || size_bytes == 0) return RangeKind::kUnsatisfiable;
    range = {size_bytes - std::min(*last, size_bytes), size_bytes - 1};
    return RangeKind::kPart;
  }
  if (!first || (!last && !is_open) || (last && *last < *first)) return RangeKind::kWhole;
  if (*first >= size_bytes) return RangeKind::kUnsatisfiable;
  range = {*first, std::min(last.value_or(size_bytes - 1), size_bytes - 1)};
  return RangeKind::kPart;
}

}  // namespace reel::server
