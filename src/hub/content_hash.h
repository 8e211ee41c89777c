// SPDX-License-Identifier: Apache-2.0
// The digests by which the hub names a file's bytes: SHA-256 of large files, git's blob SHA-1 of
// the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/stop.h"

namespace reel::hub {

enum class HashKind { kSha256, kGitSha1 };

struct ContentId {
  HashKind kind = HashKind::kSha256;
  std::string hex;  // lower case
  bool operator==(const ContentId&) const = default;
};

// 40 or 64 lower-case hexadecimal digits, as the kind wants.
bool is_digest(HashKind kind, std::string_view hex);
// "sha256", "git sha1".
const char* name_of(HashKind kind);

class ContentHash {
 public:
  // git's digest begins with the size.
  ContentHash(HashKind kind, uint64_t size_bytes);
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  void add(std::span<const std::byte> bytes);
  // Once, at the end.
  std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Throws as InputFile, and kCancelled.
std::string hash_file(const std::filesystem::path& path, HashKind kind, const StopFlag& stop);

}  // namespace reel::hub
