// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/name_table.h"

#include <cctype>
#include <charconv>

#include "base/error.h"

namespace reel::checkpoint {
namespace {

int64_t parse_factor(std::string_view word, const Dims& dims) {
  int64_t number = 0;
  if (std::from_chars(word.data(), word.data() + word.size(), number).ec == std::errc{}) {
    return number;
  }
  const auto found = dims.find(word);
  REEL_REQUIRE(found != dims.end(), kInternal, str_cat("no dimension is called \"", word, '"'));
  return found->second;
}

bool is_word(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) || letter == '_';
}

void add(std::vector<NeededTensor>& all, const NameUnit& unit, const NameRow& row,
         const char* suffix, const Shape& shape, bool is_bias) {
  all.push_back({unit.prefix + row.name + suffix, shape, &row, is_bias, unit.block});
}

}  // namespace

Shape parse_shape(std::string_view text, const Dims& dims) {
  std::vector<int64_t> extents;
  int64_t product = 1;
  for (size_t at = 1; at < text.size();) {
    if (is_word(text[at])) {
      size_t end = at;
      while (end < text.size() && is_word(text[end])) ++end;
      product *= parse_factor(text.substr(at, end - at), dims);
      at = end;
      continue;
    }
    if (text[at] == ',' || text[at] == ']') {
      extents.push_back(product);
      product = 1;
    }
    ++at;
  }
  return Shape(extents);
}

std::vector<NeededTensor> needed_tensors(std::span<const NameUnit> units, const Dims& dims) {
  std::vector<NeededTensor> all;
  for (const NameUnit& unit : units) {
    for (const NameRow& row : unit.rows) {
      const Shape shape = parse_shape(row.shape, dims);
      const bool plain = row.kind == RowKind::kTensor;
      add(all, unit, row, plain ? "" : ".weight", shape, false);
      if (row.kind == RowKind::kLinear || row.kind == RowKind::kLinearWide ||
          row.kind == RowKind::kLinearF32 || row.kind == RowKind::kConv) {
        add(all, unit, row, ".bias", {shape[0]}, true);
      }
    }
  }
  return all;
}

}  // namespace reel::checkpoint
