// SPDX-License-Identifier: Apache-2.0
// Who may ask: a file with a line per key, "NAME SHA-256", so that the file does not give a key
// away.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace reel::server {

class ApiKeys {
 public:
  // Nobody needs a key.
  ApiKeys() = default;
  // Throws kNotFound, and kBadFile naming the line.
  explicit ApiKeys(const std::filesystem::path& file);

  bool empty() const { return keys_.empty(); }
  // The name of the key; takes the same time for every wrong one.
  std::optional<std::string> name_of(const std::string& key) const;

  // Adds a key to the file, which is made when it is not there, and returns it: it is not kept
  // anywhere. Throws kInvalidArgument for a name that is taken or has other letters than ids have.
  static std::string add(const std::filesystem::path& file, const std::string& name);

 private:
  struct Key {
    std::string name, digest;  // 64 hexadecimal digits
  };
  std::vector<Key> keys_;
};

}  // namespace reel::server
