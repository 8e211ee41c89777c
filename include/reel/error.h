// SPDX-License-Identifier: Apache-2.0
// The one error type that crosses the public API.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace reel {

// What kind of trouble, as seen by a caller who must choose what to do next.
// cli/exit_codes.h maps this enum with a switch.
enum class ErrorCode {
  kInvalidArgument,  // the caller can fix it by passing something else
  kNotFound,         // a file, model, device or tensor is missing
  kBadFile,          // a file exists but its bytes are wrong, cut short or of no known kind
  kOutOfMemory,      // the plan does not fit, or an allocation failed
  kUnsupported,      // known, but this build or device cannot do it
  kDeviceFailure,    // the driver or a kernel reported an error
  kIo,               // the disk is full, or an output cannot be written
  kNetwork,          // a hub or server cannot be reached, or broke off
  kBusy,             // the queue is full; the same request may pass later
  kCancelled,        // the caller asked to stop
  kInternal,         // a bug in this library
};

// Carries two sentences: what happened, and what the reader can do about it.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string what, std::string hint = {})
      : code_(code), what_(std::move(what)), hint_(std::move(hint)) {}

  ErrorCode code() const { return code_; }
  const char* what() const noexcept override { return what_.c_str(); }
  // Empty when there is nothing useful to suggest. A flag in it is that of the command line; the
  // table of docs/CPP.md has the field of each.
  const std::string& hint() const { return hint_; }

 private:
  ErrorCode code_;
  std::string what_;
  std::string hint_;
};

// "invalid argument", "bad file", ...: for logs and JSON.
const char* error_code_name(ErrorCode code);

}  // namespace reel
