// SPDX-License-Identifier: Apache-2.0
#include "base/env.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

namespace reel::env {
namespace fs = std::filesystem;
namespace {

// Of the program or shared object that this code is linked into.
fs::path own_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0) return {};
  return fs::path(info.dli_fname).parent_path();
}

}  // namespace

std::optional<std::string> get(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::string models_path() { return get("REEL_MODELS").value_or(""); }

fs::path state_folder() {
  if (const auto state = get("XDG_STATE_HOME")) return fs::path(*state) / "reel";
  if (const auto home = get("HOME")) return fs::path(*home) / ".local/state/reel";
  return fs::temp_directory_path() / ("reel-state-" + std::to_string(::getuid()));
}

fs::path cache_folder() {
  if (const auto cache = get("XDG_CACHE_HOME")) return fs::path(*cache) / "reel";
  if (const auto home = get("HOME")) return fs::path(*home) / ".cache/reel";
  return fs::temp_directory_path() / ("reel-cache-" + std::to_string(::getuid()));
}

fs::path data_folder() {
  if (const auto data = get("XDG_DATA_HOME")) return fs::path(*data) / "reel";
  if (const auto home = get("HOME")) return fs::path(*home) / ".local/share/reel";
  return fs::temp_directory_path() / ("reel-data-" + std::to_string(::getuid()));
}

std::string config_file() {
  const auto home = get("HOME");
  const auto config = get("XDG_CONFIG_HOME");
  if (!config && !home) return "";
  return ((config ? fs::path(*config) : fs::path(*home) / ".config") / "reel/reel.toml").string();
}

std::optional<fs::path> demo_model_folder() {
  if (const auto folder = get("REEL_DEMO_MODEL")) return fs::path(*folder);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  // Above bin/ of the program, beside the Python module, above lib/ of the shared library.
  for (const fs::path& above :
       {program.parent_path().parent_path(), own_folder(), own_folder().parent_path()}) {
    const fs::path folder = above / "share/reel/demo";
    if (fs::exists(folder / "config.json", error)) return folder;
  }
  return std::nullopt;
}

}  // namespace reel::env
