// SPDX-License-Identifier: Apache-2.0
#include "hub/content_hash.h"

// The one-algorithm calls: they link two objects of libcrypto instead of all its providers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/file.h"

namespace reel::hub {

struct ContentHash::Impl {
  HashKind kind;
  SHA256_CTX sha256;
  SHA_CTX sha1;
};

bool is_digest(HashKind kind, std::string_view hex) {
  return hex.size() == (kind == HashKind::kSha256 ? 64 : 40) &&
         hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

const char* name_of(HashKind kind) { return kind == HashKind::kSha256 ? "sha256" : "git sha1"; }

ContentHash::ContentHash(HashKind kind, uint64_t size_bytes) : impl_(std::make_unique<Impl>()) {
  impl_->kind = kind;
  if (kind == HashKind::kSha256) {
    SHA256_Init(&impl_->sha256);
    return;
  }
  SHA1_Init(&impl_->sha1);
  const std::string header = "blob " + std::to_string(size_bytes);
  SHA1_Update(&impl_->sha1, header.c_str(), header.size() + 1);  // with its zero
}

ContentHash::~ContentHash() = default;

void ContentHash::add(std::span<const std::byte> bytes) {
  if (impl_->kind == HashKind::kSha256) {
    SHA256_Update(&impl_->sha256, bytes.data(), bytes.size());
  } else {
    SHA1_Update(&impl_->sha1, bytes.data(), bytes.size());
  }
}

std::string ContentHash::hex() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  const bool is_sha256 = impl_->kind == HashKind::kSha256;
  if (is_sha256) {
    SHA256_Final(digest.data(), &impl_->sha256);
  } else {
    SHA1_Final(digest.data(), &impl_->sha1);
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t index = 0; index < (is_sha256 ? SHA256_DIGEST_LENGTH : SHA_DIGEST_LENGTH); ++index) {
    text += {kDigits[digest[index] >> 4], kDigits[digest[index] & 15]};
  }
  return text;
}

std::string hash_file(const std::filesystem::path& path, HashKind kind, const StopFlag& stop) {
  constexpr uint64_t kChunkBytes = uint64_t{4} << 20;
  const InputFile file(path);
  ContentHash hash(kind, file.size_bytes());
  std::vector<std::byte> chunk(std::min(kChunkBytes, file.size_bytes()));
  for (uint64_t at = 0; at < file.size_bytes(); at += kChunkBytes) {
    stop.check();
    const std::span<std::byte> part =
        std::span(chunk).first(std::min(kChunkBytes, file.size_bytes() - at));
    file.read_at(at, part);
    hash.add(part);
  }
  return hash.hex();
}

}  // namespace reel::hub
