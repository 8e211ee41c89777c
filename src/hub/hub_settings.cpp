// SPDX-License-Identifier: Apache-2.0
#include "hub/hub_settings.h"

#include <algorithm>

#include "base/env.h"
#include "base/error.h"
#include "base/file.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHub = "https://huggingface.co";

fs::path home_cache() {
  if (const auto home = env::get("XDG_CACHE_HOME")) return *home;
  if (const auto home = env::get("HOME")) return fs::path(*home) / ".cache";
  return env::cache_folder();
}

fs::path hub_home() {
  if (const auto home = env::get("HF_HOME")) return *home;
  return home_cache() / "huggingface";
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

// The file that `hf auth login` writes.
std::string stored_token() {
  constexpr uint64_t kMostBytes = 4096;
  const auto named = env::get("HF_TOKEN_PATH");
  const fs::path path = named ? fs::path(*named) : hub_home() / "token";
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) ? trimmed(read_text_file(path, kMostBytes)) : "";
}

std::string token() {
  std::string text;
  if (const auto given = env::get("HF_TOKEN")) {
    text = trimmed(*given);
  } else if (!env::get("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
    text = stored_token();
  }
  const bool is_plain =
      std::ranges::all_of(text, [](char letter) { return letter > 0x20 && letter < 0x7f; });
  REEL_REQUIRE(is_plain && text.size() < 4096, kInvalidArgument,
               "The token in HF_TOKEN has characters that no token has.",
               "Copy it again from the hub's settings page.");
  return text;
}

std::string endpoint() {
  std::string text = trimmed(env::get("HF_ENDPOINT").value_or(kHub));
  while (text.ends_with('/')) text.pop_back();
  const bool is_web = text.starts_with("https://") || text.starts_with("http://");
  REEL_REQUIRE(is_web && text.find_first_of(" ?#@\"\\") == std::string::npos, kInvalidArgument,
               str_cat("HF_ENDPOINT is \"", printable(text), "\"; a web address is needed."),
               str_cat("Write it like ", kHub, '.'));
  return text;
}

}  // namespace

fs::path hub_cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const auto folder = env::get(name)) return *folder;
  }
  return hub_home() / "hub";
}

HubSettings hub_settings() {
  const std::string offline = env::get("HF_HUB_OFFLINE").value_or("0");
  REEL_REQUIRE(offline == "0" || offline == "false" || offline == "OFF", kInvalidArgument,
               "HF_HUB_OFFLINE is set, and a download needs the network.", "Unset it.");
  const auto bundle = env::get("CURL_CA_BUNDLE");
  return {.endpoint = endpoint(),
          .token = token(),
          .cache = fs::absolute(hub_cache_folder()),
          .certificates = bundle ? *bundle : env::get("SSL_CERT_FILE").value_or("")};
}

}  // namespace reel::hub
