// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 on a port: connections, threads and limits; what is answered is the handler's business.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "server/http/http_types.h"
#include "server/http/lobby.h"

namespace reel::server {

struct HttpOptions {
  std::string host = "127.0.0.1";  // an address, or a name of this machine
  int port = 8000;                 // 0: any that is free
  LobbyLimits lobby;
  size_t most_threads = 128;  // for requests
  size_t most_streams = 32;   // events and downloads at once, on threads of their own
};

struct ConnectionFigures {
  size_t waiting = 0, answering = 0, streaming = 0;
};

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  // Whether an address is answered with a stream or a file, and belongs to the streams' threads.
  using IsLong = std::function<bool(const std::string& path)>;

  // Listens from here on. `handler` is called from many threads and must not throw. Throws kIo
  // when the port cannot be had, and as httplib_module().
  static std::unique_ptr<HttpServer> listen(const HttpOptions& options, Handler handler,
                                            IsLong is_long);
  // Ends all connections. Streams that wait must have been told to end.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;
  virtual ConnectionFigures figures() const = 0;
};

}  // namespace reel::server
