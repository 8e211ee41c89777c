// SPDX-License-Identifier: Apache-2.0
#include "hub/http_head.h"

#include <algorithm>
#include <charconv>

#include "base/lower_case.h"

namespace reel::hub {
namespace {

constexpr size_t kMostLetters = 16384;

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc{} || result.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

std::optional<ContentRange> content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (!lower_case(std::string(text)).starts_with(kUnit) || dash == std::string_view::npos ||
      slash == std::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  const auto first = number<uint64_t>(text.substr(kUnit.size(), dash - kUnit.size()));
  const auto last = number<uint64_t>(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return ContentRange{
      .first = *first, .last = *last, .total_bytes = number<uint64_t>(text.substr(slash + 1))};
}

std::string without_quotes(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

}  // namespace

void HttpHead::add_line(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    HttpHead fresh;
    fresh.url = std::move(url);
    fresh.linked_etag = std::move(linked_etag);
    *this = std::move(fresh);
    const size_t space = line.find(' ');
    if (space != std::string_view::npos)
      status = number<int>(line.substr(space + 1, 3)).value_or(0);
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.size() > kMostLetters) return;
  const std::string name = lower_case(std::string(trimmed(line.substr(0, colon))));
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "content-length") content_length = number<uint64_t>(value);
  if (name == "content-range") content_range = hub::content_range(value);
  if (name == "retry-after") retry_after_s = number<int>(value);
  if (name == "etag") etag = without_quotes(value);
  if (name == "x-linked-etag") linked_etag = without_quotes(value);
  if (name == "link") link = value;
  if (name == "location") location = value;
  if (name == "x-error-code") error_code = value;
  if (name == "x-error-message") error_message = value;
}

}  // namespace reel::hub
