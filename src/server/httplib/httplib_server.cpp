// SPDX-License-Identifier: Apache-2.0
// cpp-httplib as a server. It accepts and writes answers; the lobby reads requests, because
// its own reading knows a limit per read and none per request, and a thread per connection.
#include "server/httplib/httplib_server.h"

#include <fcntl.h>
#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "base/error.h"
#include "server/http/api_error.h"
#include "server/http/request_target.h"
#include "server/http/small_threads.h"

namespace reel::server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kBacklog = 512;
constexpr size_t kWaitingTasks = 1024;
constexpr size_t kFilePiece = size_t{64} << 10;
// A client that takes nothing for so long is gone.
constexpr milliseconds kWriteStall{10'000};
constexpr seconds kLongestAnswer{60};
constexpr seconds kLongestStream{3600};

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// A request that has arrived, from the lobby to the end of its answer.
struct Exchange {
  explicit Exchange(ArrivedRequest from) : socket(from.socket), request(std::move(from)) {}
  Descriptor socket;
  ArrivedRequest request;
};

// httplib is told that there is a request and nothing of it: addresses, ranges and forms it would
// match with std::regex, which takes stack for every letter.
std::string text_for_httplib(const ArrivedRequest& request) {
  return request.head.method + " / HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
}

// Reads from memory, writes to the socket before a deadline.
class ExchangeStream : public httplib::Stream {
 public:
  ExchangeStream(const Exchange& exchange, seconds limit)
      : exchange_(exchange),
        text_(text_for_httplib(exchange.request)),
        deadline_(Clock::now() + limit) {}

  bool is_readable() const override { return read_ < text_.size(); }
  bool is_writable() const override { return is_open_; }

  ssize_t read(char* to, size_t size) override {
    const size_t bytes = std::min(size, text_.size() - read_);
    text_.copy(to, bytes, read_);
    read_ += bytes;
    return static_cast<ssize_t>(bytes);
  }

  ssize_t write(const char* from, size_t size) override {
    const Clock::time_point stalled = Clock::now() + kWriteStall;
    while (is_open_) {
      const ssize_t sent = ::send(exchange_.socket.number(), from, size, MSG_NOSIGNAL);
      if (sent >= 0) return sent;
      if (errno != EAGAIN && errno != EINTR) break;
      const auto left = std::min(stalled, deadline_) - Clock::now();
      const auto wait = std::chrono::duration_cast<milliseconds>(left).count();
      if (wait <= 0) break;
      pollfd polled{.fd = exchange_.socket.number(), .events = POLLOUT, .revents = 0};
      ::poll(&polled, 1, static_cast<int>(wait));
    }
    is_open_ = false;
    return -1;
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = exchange_.request.peer;
    port = 0;
  }
  void get_local_ip_and_port(std::string&, int&) const override {}
  // httplib refuses descriptors that select() cannot take; nothing here uses select().
  socket_t socket() const override { return 0; }

  bool is_open() const { return is_open_; }

 private:
  const Exchange& exchange_;
  const std::string text_;
  size_t read_ = 0;
  bool is_open_ = true;
  const Clock::time_point deadline_;
};

// The exchange that this thread answers: httplib hands a handler its own request alone.
thread_local const Exchange* current_exchange = nullptr;

HttpRequest to_request(const ArrivedRequest& arrived) {
  HttpRequest request;
  request.method = arrived.head.method;
  read_target(arrived.head.target, request.path, request.query);
  request.headers = arrived.head.headers;
  request.body = arrived.content;
  request.peer = arrived.peer;
  return request;
}

bool send_piece(int file, uint64_t at, size_t size, httplib::DataSink& sink) {
  std::array<char, kFilePiece> piece;
  const ssize_t got =
      ::pread(file, piece.data(), std::min(size, piece.size()), static_cast<off_t>(at));
  return got > 0 && sink.write(piece.data(), static_cast<size_t>(got));
}

void give_file(const FilePart& part, const std::string& type, httplib::Response& to) {
  const auto file = std::make_shared<Descriptor>(::open(part.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file->number() < 0) {
    to.status = 404;
    to.set_content(error_json(404, "The file is gone.", "not_found"), "application/json");
    return;
  }
  to.set_content_provider(
      part.length_bytes, type,
      [file, start = part.offset_bytes](size_t offset, size_t length, httplib::DataSink& sink) {
        return send_piece(file->number(), start + offset, length, sink);
      });
}

void give_stream(std::function<std::optional<std::string>()> stream, const std::string& type,
                 httplib::Response& to) {
  to.set_chunked_content_provider(type,
                                  [stream = std::move(stream)](size_t, httplib::DataSink& sink) {
                                    const std::optional<std::string> piece = stream();
                                    if (piece) return sink.write(piece->data(), piece->size());
                                    sink.done();
                                    return true;
                                  });
}

void give(HttpResponse response, httplib::Response& to) {
  to.status = response.status;
  for (const auto& [name, value] : response.headers) to.set_header(name, value);
  if (response.stream) {
    give_stream(std::move(response.stream), response.content_type, to);
  } else if (response.file) {
    give_file(*response.file, response.content_type, to);
  } else if (response.status != 204) {
    to.set_content(response.body, response.content_type);
  }
}

class HttplibServer : public HttpServer, private httplib::Server {
 public:
  HttplibServer(const HttpOptions& options, HttpServer::Handler handler, IsLong is_long)
      : handler_(std::move(handler)),
        is_long_(std::move(is_long)),
        requests_(options.most_threads, kWaitingTasks),
        streams_(options.most_streams, 0),
        lobby_(options.lobby, [this](ArrivedRequest request) { take(std::move(request)); }) {
    set_handlers();
    set_payload_max_length(options.lobby.most_content_bytes);
    set_tcp_nodelay(true);  // an answer's body does not wait for the client's word on its head
    set_keep_alive_max_count(1'000'000);  // there is none; it is only announced
    set_keep_alive_timeout(std::chrono::duration_cast<seconds>(options.lobby.idle).count());
    new_task_queue = [] { return new RunAtOnce; };
    start_listening(options);
  }

  ~HttplibServer() override {
    stop();
    accepting_.join();
    // What they answer is not given back to a lobby that is gone.
    requests_.stop();
    streams_.stop();
  }

  int port() const override { return port_; }
  ConnectionFigures figures() const override {
    return {.waiting = lobby_.size(), .answering = requests_.busy(), .streaming = streams_.busy()};
  }

 private:
  // Accepting a connection is putting it into the lobby.
  struct RunAtOnce : httplib::TaskQueue {
    void enqueue(std::function<void()> task) override { task(); }
    void shutdown() override {}
  };

  void set_handlers() {
    const auto all = [this](const httplib::Request&, httplib::Response& response) {
      give(handler_(to_request(current_exchange->request)), response);
    };
    // GET is HEAD too.
    Get("/", all).Post("/", all).Put("/", all).Patch("/", all).Delete("/", all);
    Options("/", all);
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty() || response.has_header("Content-Type")) return;
      const int status = response.status;
      response.set_content(error_json(status, status_words(status), {}), "application/json");
    });
  }

  void start_listening(const HttpOptions& options) {
    set_socket_options([](socket_t socket) {
      const int on = 1;  // not SO_REUSEPORT, httplib's own choice: two servers would share a port
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    const bool is_any = options.port == 0;
    port_ = is_any ? bind_to_any_port(options.host)
                   : (bind_to_port(options.host, options.port) ? options.port : -1);
    REEL_REQUIRE(port_ > 0, kIo, str_cat("Cannot listen on ", options.host, ':', options.port, '.'),
                 "Another program may have that port; choose one with --port.");
    ::listen(svr_sock_, kBacklog);  // httplib's own 5 makes clients wait for a second
    accepting_ = std::thread([this] { listen_after_bind(); });
    while (!is_running()) std::this_thread::sleep_for(milliseconds(1));
  }

  bool process_and_close_socket(socket_t socket) override {
    lobby_.add(socket);
    return true;
  }

  // On the lobby's thread.
  void take(ArrivedRequest request) {
    const bool is_long = is_long_(request.head.target.substr(0, request.head.target.find('?')));
    auto exchange = std::make_shared<Exchange>(std::move(request));
    SmallThreads& threads = is_long ? streams_ : requests_;
    if (threads.submit([this, exchange, is_long] { answer(*exchange, is_long); })) return;
    const std::string text = refusal_text(503, "Too many connections are busy. Try again.");
    (void)!::send(exchange->socket.number(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  void answer(Exchange& exchange, bool is_long) {
    ExchangeStream stream(exchange, is_long ? kLongestStream : kLongestAnswer);
    bool is_closed = false;
    current_exchange = &exchange;
    const bool is_good =
        process_request(stream, !exchange.request.head.keeps_alive, is_closed, nullptr);
    current_exchange = nullptr;
    if (is_good && stream.is_open() && !is_closed && exchange.request.head.keeps_alive) {
      lobby_.add(exchange.socket.release(), std::move(exchange.request.rest));
    } else {
      ::shutdown(exchange.socket.number(), SHUT_RDWR);
    }
  }

  const HttpServer::Handler handler_;
  const IsLong is_long_;
  int port_ = 0;
  std::thread accepting_;
  SmallThreads requests_, streams_;
  Lobby lobby_;
};

}  // namespace

HttpServer* listen_with_httplib(const HttpOptions& options, HttpServer::Handler handler,
                                HttpServer::IsLong is_long) {
  return new HttplibServer(options, std::move(handler), std::move(is_long));
}

}  // namespace reel::server
