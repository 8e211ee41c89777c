// SPDX-License-Identifier: Apache-2.0
// Numbers of zip archives: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3.
#pragma once

#include <cstdint>

namespace reel::formats {

inline constexpr uint64_t kZipLocalHeaderBytes = 30;  // without the name and the extra field
inline constexpr uint32_t kSeeZip64 = 0xffffffff;     // where a zip64 record has the number
inline constexpr uint16_t kZip64Field = 0x0001;

}  // namespace reel::formats
