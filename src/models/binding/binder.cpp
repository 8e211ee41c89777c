// SPDX-License-Identifier: Apache-2.0
#include "models/binding/binder.h"

#include "base/error.h"

namespace reel::models {

using checkpoint::NameRow;
using checkpoint::RowKind;

const NameRow& Binder::row(int group, int role) const {
  for (const NameRow& candidate : unit_.rows) {
    if (candidate.group == group && candidate.role == role) return candidate;
  }
  fail(ErrorCode::kInternal,
       str_cat("no row for group ", group, ", role ", role, " under \"", unit_.prefix, '"'));
}

std::string Binder::name(int group, int role) const {
  const NameRow& found = row(group, role);
  return unit_.prefix + found.name + (found.kind == RowKind::kTensor ? "" : ".weight");
}

TensorView Binder::bias(const NameRow& found, int part) const {
  const TensorView whole = source_.tensor(unit_.prefix + found.name + ".bias");
  const int64_t count = whole.elements() / found.parts;
  return whole.reshaped({whole.elements()}).slice(part * count, count);
}

TensorView Binder::tensor(int group, int role) const { return source_.tensor(name(group, role)); }

MatrixView Binder::matrix(int group, int role, int part) const {
  return source_.matrix(name(group, role), part);
}

nn::Linear Binder::linear(int group, int role, int part) const {
  return {.weight = matrix(group, role, part), .bias = bias(row(group, role), part)};
}

ConvWeights Binder::conv(int group, int role, int part) const {
  return {.weight = source_.conv(name(group, role), part), .bias = bias(row(group, role), part)};
}

ConvView Binder::conv_view(int group, int role, int part) const {
  return source_.conv(name(group, role), part);
}

bool Binder::has(int group, int role) const { return source_.has(name(group, role)); }

}  // namespace reel::models
