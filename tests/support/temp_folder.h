// SPDX-License-Identifier: Apache-2.0
// A folder that exists as long as its object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace reel::test {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "reel-test-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    path_ = root_ / "beside" / "test";
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  // A model's missing files are looked for two folders up: not as far as other people's in /tmp.
  std::filesystem::path root_;
  std::filesystem::path path_;
};

}  // namespace reel::test
