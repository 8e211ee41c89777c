// SPDX-License-Identifier: Apache-2.0
#include "base/output_path.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace reel {
namespace {

namespace fs = std::filesystem;

// 255 in the usual file systems, less what the temporary name adds.
constexpr size_t kLongestName = 240;

std::string with_seed(std::string text, uint64_t seed) {
  static constexpr std::string_view kPlace = "{seed}";
  for (size_t at = text.find(kPlace); at != std::string::npos; at = text.find(kPlace)) {
    text.replace(at, kPlace.size(), std::to_string(seed));
  }
  return text;
}

void require_writable_folder(const fs::path& out) {
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  REEL_REQUIRE(
      fs::is_directory(folder), kIo,
      str_cat("Cannot write \"", out.string(), "\": there is no folder \"", folder.string(), "\"."),
      "Make the folder first, or choose another with --out.");
  REEL_REQUIRE(::access(folder.c_str(), W_OK) == 0, kIo,
               str_cat("Cannot write \"", out.string(), "\": ", std::strerror(errno), '.'),
               "Choose another folder with --out.");
}

// The finished file replaces what has its name, which must not be a device.
void require_replaceable(const fs::path& out) {
  std::error_code error;
  const fs::file_status status = fs::status(out, error);
  REEL_REQUIRE(!fs::exists(status) || fs::is_regular_file(status) || fs::is_directory(status), kIo,
               str_cat("Cannot write \"", out.string(),
                       "\": it is a device or a pipe; a file or "
                       "a folder is needed."),
               "Name a file with --out.");
  REEL_REQUIRE(
      out.filename().string().size() <= kLongestName, kIo,
      str_cat("Cannot write \"", out.string(), "\": its name has ", out.filename().string().size(),
              " bytes; at most ", kLongestName, " are possible."),
      "Choose a shorter name with --out.");
}

}  // namespace

std::string choose_output_path(const std::string& wanted, uint64_t seed, bool overwrite,
                               const std::string& extension) {
  if (!wanted.empty()) {
    std::string path = with_seed(wanted, seed);
    require_writable_folder(path);
    require_replaceable(path);
    REEL_REQUIRE(overwrite || !fs::exists(path) || fs::is_directory(path), kInvalidArgument,
                 str_cat('"', path, "\" exists already."), "Add --force to replace it.");
    return path;
  }
  const std::string stem = str_cat("reel-", seed);
  std::string path = stem + extension;
  for (int number = 2; fs::exists(path); ++number) path = str_cat(stem, '-', number, extension);
  require_writable_folder(path);
  return path;
}

std::string choose_preview_folder(const std::string& wanted, uint64_t seed) {
  if (wanted.empty()) return wanted;
  const fs::path folder = with_seed(wanted, seed);
  constexpr const char* kHint = "Name a folder that can be written with --preview.";
  const std::string cannot = str_cat("Cannot write previews to \"", folder.string(), "\": ");
  if (fs::exists(folder)) {
    REEL_REQUIRE(fs::is_directory(folder), kIo, str_cat(cannot, "it is no folder."), kHint);
    REEL_REQUIRE(::access(folder.c_str(), W_OK | X_OK) == 0, kIo,
                 str_cat(cannot, std::strerror(errno), '.'), kHint);
    return folder.string();
  }
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  const fs::path parent = named.has_parent_path() ? named.parent_path() : fs::path(".");
  REEL_REQUIRE(fs::is_directory(parent), kIo,
               str_cat(cannot, "there is no folder \"", parent.string(), "\"."), kHint);
  REEL_REQUIRE(::access(parent.c_str(), W_OK | X_OK) == 0, kIo,
               str_cat(cannot, std::strerror(errno), '.'), kHint);
  return named.string();
}

}  // namespace reel
