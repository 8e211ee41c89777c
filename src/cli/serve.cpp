// SPDX-License-Identifier: Apache-2.0
// `reel serve`: the HTTP server.
#include "server/serve.h"

#include "base/env.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

struct ServeFlags {
  server::ServeOptions options;
  std::string data, new_key;
  int idle_s = 300, request_s = 30;
};

void add_flags(Flags& flags, ServeFlags& to, Terminal& terminal) {
  server::ServeOptions& options = to.options;
  flags.add("--host", options.http.host,
            "the address to listen on; 0.0.0.0 is for other machines too, and needs --api-keys");
  flags.add("--port", options.http.port, "the port; 0 takes any that is free");
  flags.add("--data", to.data,
            "the folder of jobs and clips; default: reel/server in the state folder");
  flags.add("--max-queue", options.service.most_waiting,
            "clips that may wait; then requests are refused for now");
  flags.add_bytes("--disk-quota", options.service.most_file_bytes,
                  "disk space for clips, 10GiB when left out; the oldest go first");
  flags.add("--idle-seconds", to.idle_s, "seconds without work after which the model is closed");
  flags.add("--request-seconds", to.request_s, "seconds that a request may take to arrive");
  flags.add("--api-keys", options.key_file,
            "a file of keys; without one only this machine is served");
  flags.add("--new-api-key", to.new_key, "add a key of this name to --api-keys, print it and end");
  flags.add_repeated("--allow-host", options.gate.host_names,
                     "a name that clients use for this server");
  flags.add_repeated("--allow-origin", options.gate.cors_origins,
                     "a site whose pages may use this server, as https://example.org");
  flags.add_model(options.model);
  flags.add_preview_decoder(options.model);
  flags.add_terminal(terminal);
}

void check(const char* flag, int value, int least, int most) {
  REEL_REQUIRE(value >= least && value <= most, kInvalidArgument,
               str_cat(flag, " is ", value, "; ", least, " to ", most, " are possible."));
}

void complete(ServeFlags& flags) {
  server::ServeOptions& options = flags.options;
  check("--port", options.http.port, 0, 65535);
  check("--max-queue", options.service.most_waiting, 1, 100000);
  check("--idle-seconds", flags.idle_s, 1, 1000000);
  check("--request-seconds", flags.request_s, 1, 3600);
  options.service.idle_s = flags.idle_s;
  options.http.lobby.content_deadline = std::chrono::seconds(flags.request_s);
  options.http.lobby.head_deadline =
      std::min(options.http.lobby.head_deadline, options.http.lobby.content_deadline);
  options.service.data =
      flags.data.empty() ? env::state_folder() / "server" : std::filesystem::path(flags.data);
  options.model.text_cache = true;
}

int run_serve(int argc, const char* const* argv, Terminal& terminal) {
  ServeFlags flags;
  Flags parser("serve", "make clips for others over HTTP");
  add_flags(parser, flags, terminal);
  if (parser.parse(argc, argv, terminal)) return kExitOk;
  if (!flags.new_key.empty()) {
    REEL_REQUIRE(!flags.options.key_file.empty(), kInvalidArgument,
                 "--new-api-key needs --api-keys, the file that the key is added to.");
    terminal.answer(server::ApiKeys::add(flags.options.key_file, flags.new_key));
    return kExitOk;
  }
  complete(flags);
  server::serve(flags.options, [&](const std::string& url) {
    terminal.note("Ready. Ctrl-C ends the server; what is queued is kept.");
    terminal.answer(url);
  });
  return kExitOk;
}

}  // namespace

extern const Command kServeCommand{
    .name = "serve", .summary = "make clips for others over HTTP", .run = &run_serve};

}  // namespace reel::cli
