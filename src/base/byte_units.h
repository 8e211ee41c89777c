// SPDX-License-Identifier: Apache-2.0
// Sizes in bytes, as people write and read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reel {

inline constexpr uint64_t kMiB = uint64_t{1} << 20;
inline constexpr uint64_t kGiB = uint64_t{1} << 30;

// "12", "12G", "12GB" and "12GiB" are all 12 * 2^30 (a card sold as 12 GB has 12 GiB); likewise
// K, M and T. A plain number below 1024 counts as GiB, a larger one as bytes. Fractions are fine.
// Throws kInvalidArgument naming the text.
uint64_t parse_bytes(std::string_view text);

// "7.2 GiB", "335.5 MiB", "17 bytes".
std::string format_bytes(uint64_t bytes);

// "4,294,967,296"
std::string with_commas(uint64_t value);

}  // namespace reel
