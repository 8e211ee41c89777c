// SPDX-License-Identifier: Apache-2.0
#include "server/http/api_keys.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "server/http/job_id.h"

namespace reel::server {
namespace {

constexpr uint64_t kMostFileBytes = uint64_t{1} << 20;
constexpr size_t kKeyBytes = 32;
constexpr size_t kDigestDigits = size_t{2} * SHA256_DIGEST_LENGTH;

// Keys are random: a slow hash, as for passwords, would add nothing.
std::string digest_of(const std::string& key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

bool is_digest(const std::string& text) {
  return text.size() == kDigestDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

ApiKeys::ApiKeys(const std::filesystem::path& file) {
  std::istringstream lines(read_text_file(file, kMostFileBytes));
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    Key key;
    std::string more;
    const bool is_good = words >> key.name >> key.digest && !(words >> more) &&
                         is_job_id(key.name) && is_digest(key.digest);
    REEL_REQUIRE(is_good, kBadFile,
                 str_cat("Line ", number, " of the key file \"", file.string(),
                         "\" is not a name and a SHA-256."),
                 "reel serve --new-api-key NAME adds such lines.");
    keys_.push_back(std::move(key));
  }
  REEL_REQUIRE(!keys_.empty(), kBadFile,
               str_cat("The key file \"", file.string(), "\" has no key."),
               "reel serve --new-api-key NAME adds one.");
}

std::optional<std::string> ApiKeys::name_of(const std::string& key) const {
  const std::string digest = digest_of(key);
  const Key* found = nullptr;
  for (const Key& one : keys_) {
    if (CRYPTO_memcmp(one.digest.data(), digest.data(), kDigestDigits) == 0) found = &one;
  }
  if (found == nullptr) return std::nullopt;
  return found->name;
}

std::string ApiKeys::add(const std::filesystem::path& file, const std::string& name) {
  REEL_REQUIRE(is_job_id(name), kInvalidArgument,
               str_cat("The key's name is \"", name,
                       "\"; 1 to 64 letters, digits, '.', '_' and '-' are possible."));
  std::string text;
  if (std::filesystem::exists(file)) {
    text = read_text_file(file, kMostFileBytes);
    if (!text.empty() && text.back() != '\n') text += '\n';
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      REEL_REQUIRE(!line.starts_with(name + ' '), kInvalidArgument,
                   str_cat("There is a key \"", name, "\" in \"", file.string(), "\" already."),
                   "Choose another name, or strike its line first.");
    }
  }
  std::string key = "rk-" + random_hex(kKeyBytes);
  OutputFile output(file);
  output.write(str_cat(text, name, ' ', digest_of(key), '\n'));
  output.commit();
  return key;
}

}  // namespace reel::server
