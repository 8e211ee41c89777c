// SPDX-License-Identifier: Apache-2.0
#include "server/http/request_head.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/error.h"
#include "base/lower_case.h"

namespace reel::server {
namespace {

using Problem = std::optional<HeadProblem>;

bool is_token_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(letter) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_letter);
}

bool is_value_letter(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  const char lower = static_cast<char>(letter | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Percent signs begin codes of letters that are no control characters.
bool is_well_encoded(std::string_view target) {
  for (size_t at = 0; at < target.size(); ++at) {
    if (target[at] != '%') continue;
    if (at + 2 >= target.size()) return false;
    const int high = hex_digit(target[at + 1]), low = hex_digit(target[at + 2]);
    if (high < 0 || low < 0) return false;
    const int code = high * 16 + low;
    if (code < 0x20 || code == 0x7f) return false;
    at += 2;
  }
  return true;
}

Problem read_target(std::string_view target) {
  if (target.size() > kLongestTarget) {
    return HeadProblem{414, str_cat("The address has ", target.size(), " bytes; at most ",
                                    kLongestTarget, " are possible.")};
  }
  const bool is_printable = std::all_of(target.begin(), target.end(),
                                        [](char letter) { return letter > 0x20 && letter < 0x7f; });
  if (target.empty() || target[0] != '/' || !is_printable || !is_well_encoded(target)) {
    return HeadProblem{400, "The address is not a path that begins with \"/\"."};
  }
  return std::nullopt;
}

Problem read_request_line(std::string_view line, RequestHead& head, bool& is_old) {
  const size_t first = line.find(' ');
  const size_t second = line.find(' ', first + 1);
  if (first == line.npos || second == line.npos || line.find(' ', second + 1) != line.npos) {
    return HeadProblem{400, "The first line is not \"METHOD ADDRESS HTTP/1.1\"."};
  }
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  is_old = version == "HTTP/1.0";
  if (!is_old && version != "HTTP/1.1") return HeadProblem{505, "HTTP/1.1 is spoken here."};
  constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                        "PATCH", "DELETE", "OPTIONS"};
  if (std::find(kMethods.begin(), kMethods.end(), head.method) == kMethods.end()) {
    return HeadProblem{is_token(head.method) ? 405 : 400, "There is no such method."};
  }
  return read_target(head.target);
}

Problem read_field(std::string_view line, RequestHead& head) {
  const size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon)) ||
      !std::all_of(line.begin(), line.end(), is_value_letter)) {
    return HeadProblem{400, "A header is not \"Name: value\"."};
  }
  if (head.headers.size() == kMostHeaders) {
    return HeadProblem{431, str_cat("More than ", kMostHeaders, " headers were sent.")};
  }
  const std::string name = lower_case(std::string(line.substr(0, colon)));
  std::string_view value = line.substr(colon + 1);
  const auto is_blank = [](char letter) { return letter == ' ' || letter == '\t'; };
  while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
  head.headers.emplace_back(name, value);
  return std::nullopt;
}

size_t count(const RequestHead& head, std::string_view name) {
  return static_cast<size_t>(std::count_if(head.headers.begin(), head.headers.end(),
                                           [&](const auto& one) { return one.first == name; }));
}

Problem read_length(RequestHead& head, size_t most_bytes) {
  if (count(head, "transfer-encoding") > 0) {
    return HeadProblem{411, "Say Content-Length: bodies in chunks are not taken."};
  }
  if (count(head, "content-encoding") > 0) {
    return HeadProblem{415, "Compressed bodies are not taken."};
  }
  if (count(head, "content-length") == 0) return std::nullopt;
  const std::string text = head.header("content-length");
  uint64_t bytes = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), bytes);
  const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (!is_number || count(head, "content-length") > 1) {
    return HeadProblem{400, "Content-Length is not one number."};
  }
  if (parsed.ec != std::errc() || bytes > most_bytes) {
    return HeadProblem{413, str_cat("The body has ", text, " bytes; at most ", most_bytes,
                                    " are possible. Reel takes text, no pictures.")};
  }
  head.content_bytes = static_cast<size_t>(bytes);
  return std::nullopt;
}

}  // namespace

std::string RequestHead::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

Problem read_head(std::string_view text, size_t most_content_bytes, RequestHead& head) {
  bool is_old = false;
  for (bool is_first = true; is_first || !text.empty(); is_first = false) {
    const size_t end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 2));
    // A lone CR or LF is a control character, which no line may have.
    Problem problem = is_first ? read_request_line(line, head, is_old) : read_field(line, head);
    if (problem) return problem;
  }
  if (count(head, "host") > 1 || (!is_old && count(head, "host") == 0)) {
    return HeadProblem{400, "One Host header is needed."};
  }
  if (Problem problem = read_length(head, most_content_bytes)) return problem;
  const std::string connection = lower_case(head.header("connection"));
  head.keeps_alive = is_old ? connection == "keep-alive" : connection != "close";
  const std::string expect = lower_case(head.header("expect"));
  if (!expect.empty() && expect != "100-continue") {
    return HeadProblem{417, "Only \"Expect: 100-continue\" is understood."};
  }
  head.awaits_continue = !expect.empty() && !is_old && head.content_bytes > 0;
  return std::nullopt;
}

}  // namespace reel::server
