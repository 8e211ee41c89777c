// SPDX-License-Identifier: Apache-2.0
// The bytes of a number, lowest first, for the writers.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

namespace reel::formats {

template <std::integral Number>
std::string little_endian(Number value) {
  auto bits = static_cast<std::make_unsigned_t<Number>>(value);
  std::string bytes(sizeof(Number), '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(bits & 0xff);
    bits = static_cast<std::make_unsigned_t<Number>>(uint64_t{bits} >> 8);
  }
  return bytes;
}

}  // namespace reel::formats
