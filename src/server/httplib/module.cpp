// SPDX-License-Identifier: Apache-2.0
// The one symbol of libreel_httplib.so.
#include <reel/version.h>

#include "server/http/httplib_module.h"
#include "server/httplib/httplib_client.h"
#include "server/httplib/httplib_server.h"

extern "C" {
[[gnu::visibility("default")]] extern const reel::server::HttplibModule reel_httplib_module;

const reel::server::HttplibModule reel_httplib_module = {
    .version = reel::kVersion,
    .listen = &reel::server::listen_with_httplib,
    .connect = &reel::server::connect_with_httplib};
}
