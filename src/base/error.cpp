// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

namespace reel {

void fail(ErrorCode code, std::string what, std::string hint) {
  throw Error(code, std::move(what), std::move(hint));
}

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid argument";
    case ErrorCode::kNotFound: return "not found";
    case ErrorCode::kBadFile: return "bad file";
    case ErrorCode::kOutOfMemory: return "out of memory";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kDeviceFailure: return "device failure";
    case ErrorCode::kIo: return "input/output";
    case ErrorCode::kNetwork: return "network";
    case ErrorCode::kBusy: return "busy";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kInternal: return "internal";
  }
  return "unknown";
}

}  // namespace reel
