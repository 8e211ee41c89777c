// SPDX-License-Identifier: Apache-2.0
// Names that cannot be guessed, and the time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace reel::server {

// Random bytes of the system's, as lower-case hexadecimal digits.
std::string random_hex(size_t bytes);
// "video_" and 32 digits.
std::string new_job_id();
// Letters, digits, '.', '_' and '-', 1 to 64 of them, beginning with a letter or digit.
bool is_job_id(const std::string& text);

int64_t unix_ms();

}  // namespace reel::server
