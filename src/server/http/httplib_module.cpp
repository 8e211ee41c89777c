// SPDX-License-Identifier: Apache-2.0
#include "server/http/httplib_module.h"

#include <dlfcn.h>
#include <reel/version.h>

#include <string_view>

#include "base/error.h"

namespace reel::server {
namespace {

constexpr const char* kFile = "libreel_httplib.so";

[[noreturn]] void refuse(const std::string& problem) {
  fail(ErrorCode::kNotFound, str_cat("HTTP cannot be spoken: ", problem, '.'),
       "Install Reel anew; the file belongs into lib beside the program's bin.");
}

std::string dl_problem() {
  const char* text = ::dlerror();
  return text == nullptr ? "unknown" : text;
}

const HttplibModule* load() {
  // By the run path of whatever this code is linked into.
  void* library = ::dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) refuse(dl_problem());
  const auto* module = static_cast<const HttplibModule*>(::dlsym(library, kHttplibModuleSymbol));
  if (module == nullptr) refuse(dl_problem());
  if (std::string_view(module->version) != kVersion) {
    refuse(str_cat(kFile, " is of Reel ", module->version, ", not ", kVersion));
  }
  return module;
}

}  // namespace

const HttplibModule& httplib_module() {
  static const HttplibModule* const module = load();
  return *module;
}

std::unique_ptr<HttpServer> HttpServer::listen(const HttpOptions& options, Handler handler,
                                               IsLong is_long) {
  return std::unique_ptr<HttpServer>(
      httplib_module().listen(options, std::move(handler), std::move(is_long)));
}

std::unique_ptr<HttpClient> HttpClient::connect(const std::string& url) {
  return std::unique_ptr<HttpClient>(httplib_module().connect(url));
}

}  // namespace reel::server
