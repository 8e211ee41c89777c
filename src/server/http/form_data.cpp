// SPDX-License-Identifier: Apache-2.0
#include "server/http/form_data.h"

#include <algorithm>
#include <cctype>

namespace reel::server {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kLongestBoundary = 200;  // RFC 2046 has 70

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(), [](char wanted, char given) {
           return wanted == std::tolower(static_cast<unsigned char>(given));
         });
}

// The value of `name` in "form-data; name="prompt"; filename="x"", quoted or not.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  for (size_t at = header.find(';'); at != header.npos; at = header.find(';', at + 1)) {
    std::string_view rest = header.substr(at + 1);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    if (!starts_with_ignoring_case(rest, name) || rest.substr(name.size(), 1) != "=") continue;
    rest.remove_prefix(name.size() + 1);
    if (!rest.starts_with('"')) return std::string(rest.substr(0, rest.find(';')));
    const size_t end = rest.find('"', 1);
    if (end == rest.npos) return std::nullopt;
    return std::string(rest.substr(1, end - 1));
  }
  return std::nullopt;
}

// A part's headers and value, between two boundaries.
std::optional<FormPart> read_part(std::string_view text) {
  FormPart part;
  bool has_name = false;
  while (true) {
    const size_t end = text.find(kLineEnd);
    if (end == text.npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + kLineEnd.size());
    if (line.empty()) break;
    if (!starts_with_ignoring_case(line, "content-disposition:")) continue;
    const std::optional<std::string> name = parameter(line, "name");
    if (!name) return std::nullopt;
    part.name = *name;
    part.is_file = parameter(line, "filename").has_value();
    has_name = true;
  }
  if (!has_name) return std::nullopt;
  part.value = text;
  return part;
}

}  // namespace

std::optional<std::vector<FormPart>> read_form(std::string_view content_type,
                                               std::string_view body) {
  const std::optional<std::string> boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kLongestBoundary) return std::nullopt;
  const std::string first = "--" + *boundary;
  const std::string next = "\r\n" + first;
  if (!body.starts_with(first)) return std::nullopt;
  body.remove_prefix(first.size());
  std::vector<FormPart> parts;
  while (!body.starts_with("--")) {
    if (!body.starts_with(kLineEnd) || parts.size() == kMostFormParts) return std::nullopt;
    body.remove_prefix(kLineEnd.size());
    const size_t end = body.find(next);
    if (end == body.npos) return std::nullopt;
    const std::optional<FormPart> part = read_part(body.substr(0, end));
    if (!part) return std::nullopt;
    parts.push_back(*part);
    body.remove_prefix(end + next.size());
  }
  return parts;
}

}  // namespace reel::server
