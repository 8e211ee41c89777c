// SPDX-License-Identifier: Apache-2.0
// Digests: XXH3-128 for "are these the same bytes".
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace reel {

// Fed piece by piece; hex() is the XXH3-128 digest of all bytes so far, 32 lower-case digits.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::span<const std::byte> bytes);
  std::string hex() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string digest_hex(std::span<const std::byte> bytes);

}  // namespace reel
