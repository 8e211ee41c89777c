// SPDX-License-Identifier: Apache-2.0
#include "hub/curl_library.h"

#include <dlfcn.h>

#include <string>

#include "base/error.h"

namespace reel::hub {
namespace {

// The same functions, built with OpenSSL or GnuTLS; git brings the second one.
constexpr const char* kNames[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

[[noreturn]] void refuse(const std::string& what) {
  fail(ErrorCode::kUnsupported, what,
       "Install it (Debian, Ubuntu: apt install libcurl4 ca-certificates).");
}

void* open_library() {
  std::string problem;
  for (const char* name : kNames) {
    if (void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
    if (problem.empty()) problem = ::dlerror();
  }
  refuse(str_cat("Downloading needs libcurl, which is not installed (", problem, ")."));
}

template <typename Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(::dlsym(library, name));
  if (function == nullptr) {
    refuse(str_cat("The installed libcurl has no ", name, "; 7.66 or newer is needed."));
  }
}

CurlLibrary load() {
  void* const library = open_library();  // never closed: it has threads of its own
  CurlLibrary curl{};
  find(library, "curl_easy_init", curl.easy_init);
  find(library, "curl_easy_setopt", curl.easy_setopt);
  find(library, "curl_easy_getinfo", curl.easy_getinfo);
  find(library, "curl_easy_cleanup", curl.easy_cleanup);
  find(library, "curl_easy_strerror", curl.easy_strerror);
  find(library, "curl_slist_append", curl.slist_append);
  find(library, "curl_slist_free_all", curl.slist_free_all);
  find(library, "curl_multi_init", curl.multi_init);
  find(library, "curl_multi_setopt", curl.multi_setopt);
  find(library, "curl_multi_add_handle", curl.multi_add_handle);
  find(library, "curl_multi_remove_handle", curl.multi_remove_handle);
  find(library, "curl_multi_perform", curl.multi_perform);
  find(library, "curl_multi_poll", curl.multi_poll);
  find(library, "curl_multi_info_read", curl.multi_info_read);
  find(library, "curl_multi_cleanup", curl.multi_cleanup);
  find(library, "curl_url", curl.url);
  find(library, "curl_url_cleanup", curl.url_cleanup);
  find(library, "curl_url_set", curl.url_set);
  find(library, "curl_url_get", curl.url_get);
  find(library, "curl_free", curl.free);
  CURLcode (*global_init)(long) = nullptr;
  find(library, "curl_global_init", global_init);
  if (global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) refuse("The installed libcurl does not start.");
  return curl;
}

}  // namespace

const CurlLibrary& curl_library() {
  static const CurlLibrary library = load();
  return library;
}

}  // namespace reel::hub
