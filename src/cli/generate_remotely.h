// SPDX-License-Identifier: Apache-2.0
// `reel generate --server`: another machine makes the clips.
#pragma once

#include <reel/request.h>

#include "cli/flags.h"
#include "cli/terminal.h"
#include "client/remote_clip.h"

namespace reel::cli {

// Refuses flags that say how this machine would make them. Gives the exit code.
int generate_remotely(const Flags& flags, const client::ServerChoice& server, VideoRequest request,
                      int count, bool json, Terminal& terminal);

}  // namespace reel::cli
