// SPDX-License-Identifier: Apache-2.0
// The server in figures, as Prometheus reads them (text format 0.0.4).
#pragma once

#include <string>

#include "server/http/api.h"
#include "server/http/http_server.h"
#include "server/video_service.h"

namespace reel::server {

// `resident_bytes` is the process's memory.
std::string metrics_text(const ServiceFigures& service, const ConnectionFigures& connections,
                         const RequestFigures& requests, uint64_t resident_bytes);

// Of this process, as the kernel counts; 0 where it does not tell.
uint64_t resident_bytes();

}  // namespace reel::server
