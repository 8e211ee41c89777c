// SPDX-License-Identifier: Apache-2.0
#include "server/http/job_id.h"

#include <sys/random.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <vector>

#include "base/error.h"

namespace reel::server {
namespace {

constexpr size_t kLongestId = 64;

bool is_letter_or_digit(char letter) { return std::isalnum(static_cast<unsigned char>(letter)); }

}  // namespace

std::string random_hex(size_t bytes) {
  std::vector<unsigned char> random(bytes);
  size_t filled = 0;
  while (filled < bytes) {
    const ssize_t got = ::getrandom(random.data() + filled, bytes - filled, 0);
    REEL_REQUIRE(got > 0 || errno == EINTR, kInternal, "The system gives no random numbers.");
    if (got > 0) filled += static_cast<size_t>(got);
  }
  std::string hex;
  for (const unsigned char byte : random) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::string new_job_id() { return "video_" + random_hex(16); }

bool is_job_id(const std::string& text) {
  if (text.empty() || text.size() > kLongestId || !is_letter_or_digit(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return is_letter_or_digit(letter) || letter == '.' || letter == '_' || letter == '-';
  });
}

int64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace reel::server
