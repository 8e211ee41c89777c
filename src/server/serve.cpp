// SPDX-License-Identifier: Apache-2.0
#include "server/serve.h"

#include <reel/engine.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "base/error.h"
#include "server/http/api.h"
#include "server/http/host_names.h"
#include "server/metrics.h"
#include "server/routes_page.h"
#include "server/routes_plans.h"
#include "server/routes_status.h"
#include "server/routes_tasks.h"
#include "server/routes_videos.h"

namespace reel::server {
namespace {

// Sockets of clients, and the files of a model.
constexpr rlim_t kOpenFiles = 8192;

void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kOpenFiles));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

ApiKeys load_keys(const ServeOptions& options) {
  if (!options.key_file.empty()) return ApiKeys(options.key_file);
  REEL_REQUIRE(is_loopback(options.http.host), kInvalidArgument,
               str_cat("--host is ", options.http.host,
                       ", which other machines can reach, and no --api-keys were given."),
               "Make a key: reel serve --api-keys FILE --new-api-key NAME.");
  return {};
}

bool is_long(const std::string& path) {
  return path.ends_with("/content") || path.ends_with("/events") || path.ends_with("/result");
}

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

std::string url_of(const std::string& host, int port) {
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? str_cat("http://[", host, "]:", port) : str_cat("http://", host, ':', port);
}

}  // namespace

void serve(const ServeOptions& options,
           const std::function<void(const std::string& url)>& is_ready) {
  const sigset_t signals = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  raise_open_files();
  ApiKeys keys = load_keys(options);
  require_mp4();
  VideoService service(options.model, options.service);
  std::optional<Api> api;
  std::atomic<const HttpServer*> listening{nullptr};
  const auto metrics = [&] {
    const HttpServer* now = listening;  // null in its first moments
    return metrics_text(service.figures(), now ? now->figures() : ConnectionFigures{},
                        api->figures(), resident_bytes());
  };
  Router router;
  router.add(video_routes(service));
  router.add(task_routes(service));
  router.add(status_routes(service, metrics));
  router.add(plan_routes(options.model, service.model_name()));
  router.add(page_routes());
  GateOptions gate = options.gate;
  gate.host_names.push_back(options.http.host);
  api.emplace(Gate(std::move(gate), std::move(keys)), std::move(router));
  const auto retry_after_s = [&service] { return service.retry_after_s(); };
  const auto http = HttpServer::listen(
      options.http, [&](const HttpRequest& request) { return api->answer(request, retry_after_s); },
      is_long);
  listening = http.get();
  is_ready(url_of(options.http.host, http->port()));
  int signal = 0;
  ::sigwait(&signals, &signal);
  service.stop_waiting();
}

}  // namespace reel::server
