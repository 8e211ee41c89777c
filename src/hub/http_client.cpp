// SPDX-License-Identifier: Apache-2.0
#include "hub/http_client.h"

#include <reel/version.h>

#include <algorithm>
#include <exception>
#include <map>

#include "base/error.h"
#include "hub/curl_library.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

constexpr int kMostRedirects = 8;
constexpr size_t kMostHeaderBytes = 256 << 10;

// One part of an address, as the library that connects there reads it.
std::string url_part(const std::string& url, CURLUPart part) {
  const CurlLibrary& curl = curl_library();
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl.url(), curl.url_cleanup);
  if (parsed == nullptr || curl.url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return {};
  }
  char* text = nullptr;
  if (curl.url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string out = text;
  curl.free(text);
  std::ranges::transform(out, out.begin(), [](unsigned char letter) {
    return static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + 32 : letter);
  });
  return out;
}

bool is_hopeless(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_OUT_OF_MEMORY: return true;
    default: return false;
  }
}

// One request and what is known of its answer.
struct Transfer {
  uint64_t id = 0;
  HttpRequest request;
  HttpHead head;
  std::string origin;  // of request.url: where the token may go
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  size_t header_bytes = 0;
  int redirects = 0;
  bool head_was_told = false, is_unwanted = false;
  std::exception_ptr thrown;

  // False when the body is not wanted.
  bool tell_head() {
    if (head_was_told) return !is_unwanted;
    head_was_told = true;
    if (request.on_head && !request.on_head(head)) is_unwanted = true;
    return !is_unwanted;
  }
};

size_t on_header_line(char* text, size_t, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.header_bytes += count;
  if (transfer.header_bytes > kMostHeaderBytes) return 0;
  transfer.head.add_line({text, count});
  return count;
}

size_t on_body_bytes(char* bytes, size_t, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.head.is_redirect()) return count;
  try {
    const std::span<const std::byte> body(reinterpret_cast<const std::byte*>(bytes), count);
    if (transfer.tell_head() && (!transfer.request.on_body || transfer.request.on_body(body))) {
      return count;
    }
    transfer.is_unwanted = true;
  } catch (...) {
    transfer.thrown = std::current_exception();
  }
  return 0;
}

}  // namespace

struct HttpClient::Impl {
  explicit Impl(const HttpOptions& wanted)
      : options(wanted), curl(curl_library()), multi(curl.multi_init()) {
    REEL_REQUIRE(multi != nullptr, kInternal, "libcurl does not start.");
    // A connection for every request: together they are faster than one.
    curl.multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  }
  ~Impl() {
    while (!transfers.empty()) close(transfers.begin()->first);
    curl.multi_cleanup(multi);
  }

  void open(Transfer& transfer);
  void set_options(Transfer& transfer);
  void close(uint64_t id);
  void close_handle(Transfer& transfer);
  // True when the transfer goes on at another address.
  bool redirect(Transfer& transfer, HttpOutcome& outcome);
  std::optional<HttpOutcome> ended(const CURLMsg& message);

  HttpOptions options;
  const CurlLibrary& curl;
  CURLM* multi;
  uint64_t next_id = 1;
  std::map<uint64_t, std::unique_ptr<Transfer>> transfers;
};

void HttpClient::Impl::open(Transfer& transfer) {
  transfer.easy = curl.easy_init();
  REEL_REQUIRE(transfer.easy != nullptr, kInternal, "libcurl makes no request.");
  set_options(transfer);
  curl.multi_add_handle(multi, transfer.easy);
}

void HttpClient::Impl::set_options(Transfer& transfer) {
  const auto set = [&](CURLoption option, auto value) {
    curl.easy_setopt(transfer.easy, option, value);
  };
  const HttpRequest& request = transfer.request;
  set(CURLOPT_URL, transfer.head.url.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS, long{CURLPROTO_HTTP | CURLPROTO_HTTPS});
  set(CURLOPT_FOLLOWLOCATION, 0L);  // redirect() does, and drops the token
  set(CURLOPT_CONNECTTIMEOUT, long{options.connect_seconds});
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, long{options.stall_seconds});
  set(CURLOPT_BUFFERSIZE, 256L << 10);
  set(CURLOPT_USERAGENT, (std::string("reel/") + kVersion).c_str());
  set(CURLOPT_PRIVATE, static_cast<void*>(&transfer));
  set(CURLOPT_HEADERFUNCTION, &on_header_line);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
  set(CURLOPT_WRITEFUNCTION, &on_body_bytes);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
#if LIBCURL_VERSION_NUM >= 0x075700
  set(CURLOPT_QUICK_EXIT, 1L);  // do not wait for a slow name server when it is cancelled
#endif
  if (!options.certificates.empty()) set(CURLOPT_CAINFO, options.certificates.c_str());
  if (request.range) {
    set(CURLOPT_RANGE, str_cat(request.range->begin, '-', request.range->end - 1).c_str());
  }
  if (!request.token.empty() && origin_of(transfer.head.url) == transfer.origin) {
    transfer.headers =
        curl.slist_append(nullptr, ("Authorization: Bearer " + request.token).c_str());
    set(CURLOPT_HTTPHEADER, transfer.headers);
  }
}

void HttpClient::Impl::close_handle(Transfer& transfer) {
  if (transfer.easy == nullptr) return;
  curl.multi_remove_handle(multi, transfer.easy);
  curl.easy_cleanup(transfer.easy);
  curl.slist_free_all(transfer.headers);
  transfer.easy = nullptr;
  transfer.headers = nullptr;
}

void HttpClient::Impl::close(uint64_t id) {
  const auto at = transfers.find(id);
  if (at == transfers.end()) return;
  close_handle(*at->second);
  transfers.erase(at);
}

bool HttpClient::Impl::redirect(Transfer& transfer, HttpOutcome& outcome) {
  const char* target = nullptr;  // absolute
  curl.easy_getinfo(transfer.easy, CURLINFO_REDIRECT_URL, &target);
  const std::string url = target == nullptr ? "" : target;
  const std::string from = host_of(transfer.head.url);
  const bool is_downgrade =
      origin_of(transfer.head.url).starts_with("https:") && !origin_of(url).starts_with("https:");
  if (origin_of(url).empty() || is_downgrade || ++transfer.redirects > kMostRedirects) {
    outcome.is_hopeless = true;
    outcome.problem = transfer.redirects > kMostRedirects ? from + " redirects without end"
                      : is_downgrade ? from + " redirects from https to an address without it"
                                     : from + " redirects to no address";
    return false;
  }
  close_handle(transfer);
  transfer.head.url = url;
  transfer.head.location.clear();
  open(transfer);
  return true;
}

std::optional<HttpOutcome> HttpClient::Impl::ended(const CURLMsg& message) {
  char* user = nullptr;
  curl.easy_getinfo(message.easy_handle, CURLINFO_PRIVATE, &user);
  auto& transfer = *reinterpret_cast<Transfer*>(user);
  const CURLcode code = message.data.result;
  HttpOutcome outcome{.id = transfer.id};
  if (code == CURLE_OK && transfer.head.is_redirect() && redirect(transfer, outcome)) {
    return std::nullopt;
  }
  std::exception_ptr thrown = transfer.thrown;
  if (code == CURLE_OK && outcome.problem.empty()) {
    try {  // an answer without a body
      outcome.is_complete = transfer.tell_head();
    } catch (...) {
      thrown = std::current_exception();
    }
  } else if (outcome.problem.empty() && !transfer.is_unwanted) {
    outcome.problem =
        str_cat(host_of(transfer.head.url), ": ", printable(curl.easy_strerror(code)));
    outcome.is_hopeless = is_hopeless(code);
  }
  outcome.head = transfer.head;
  close(transfer.id);
  if (thrown) std::rethrow_exception(thrown);
  return outcome;
}

HttpClient::HttpClient(const HttpOptions& options) : impl_(std::make_unique<Impl>(options)) {}
HttpClient::~HttpClient() = default;

uint64_t HttpClient::start(HttpRequest request) {
  auto transfer = std::make_unique<Transfer>();
  transfer->id = impl_->next_id++;
  transfer->head.url = request.url;
  transfer->origin = origin_of(request.url);
  transfer->request = std::move(request);
  Transfer& opened = *impl_->transfers.emplace(transfer->id, std::move(transfer)).first->second;
  impl_->open(opened);
  return opened.id;
}

void HttpClient::cancel(uint64_t id) { impl_->close(id); }

size_t HttpClient::running() const { return impl_->transfers.size(); }

std::vector<HttpOutcome> HttpClient::poll(std::chrono::milliseconds limit) {
  std::vector<HttpOutcome> outcomes;
  int running = 0;
  impl_->curl.multi_perform(impl_->multi, &running);
  if (running > 0 || impl_->transfers.empty()) {
    impl_->curl.multi_poll(impl_->multi, nullptr, 0, static_cast<int>(limit.count()), nullptr);
    impl_->curl.multi_perform(impl_->multi, &running);
  }
  int left = 0;
  while (const CURLMsg* message = impl_->curl.multi_info_read(impl_->multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    if (auto outcome = impl_->ended(*message)) outcomes.push_back(*std::move(outcome));
  }
  return outcomes;
}

std::string origin_of(const std::string& url) {
  const std::string scheme = url_part(url, CURLUPART_SCHEME);
  const std::string host = url_part(url, CURLUPART_HOST);
  if ((scheme != "http" && scheme != "https") || host.empty()) return {};
  return str_cat(scheme, "://", host, ':', url_part(url, CURLUPART_PORT));
}

std::string host_of(const std::string& url) { return printable(url_part(url, CURLUPART_HOST)); }

}  // namespace reel::hub
