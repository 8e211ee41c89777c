// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_codes.h"

namespace reel::cli {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 2;
    case ErrorCode::kOutOfMemory: return 3;
    case ErrorCode::kNotFound: return 4;
    case ErrorCode::kBadFile: return 5;
    case ErrorCode::kUnsupported: return 6;
    case ErrorCode::kDeviceFailure: return 7;
    case ErrorCode::kIo: return 8;
    case ErrorCode::kNetwork: return 9;
    case ErrorCode::kBusy: return 10;
    case ErrorCode::kInternal: return 70;
    case ErrorCode::kCancelled: return 130;
  }
  return 70;
}

}  // namespace reel::cli
