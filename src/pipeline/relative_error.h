// SPDX-License-Identifier: Apache-2.0
// How far numbers are from those they should be.
#pragma once

#include <span>

namespace reel::pipeline {

// |got - want| / |want| in the 2-norm, summed in double; 0 when both are zeros, infinite when only
// `want` is. Not a number where `got` has one that is not. Both have the same size.
double relative_error(std::span<const float> got, std::span<const float> want);

// Of at least one error; 0 when one of them is.
double geometric_mean(std::span<const double> errors);

// The largest of errors[i] / of[i]; not a number when one of them is not. Both have the same size.
double largest_ratio(std::span<const double> errors, std::span<const double> of);

}  // namespace reel::pipeline
