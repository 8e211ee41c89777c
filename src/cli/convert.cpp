// SPDX-License-Identifier: Apache-2.0
// `reel convert`: a checkpoint as one file that streams well.
#include <reel/convert.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/byte_units.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

void add_flags(Flags& flags, ConvertRequest& request) {
  flags.add("MODEL", request.model.model, "a folder or file; left out: the built-in demo model");
  flags.add("--out", request.out, "the slab; default: beside the files of the DiT");
  flags.add_switch("--verify", request.verify,
                   "compare the checksums of a slab that is there; writes nothing");
  flags.add("--text-encoder", request.model.text_encoder, "text encoder file");
  flags.add("--vae", request.model.vae, "VAE file");
  flags.add("--tokenizer", request.model.tokenizer, "tokenizer file or folder");
  flags.add("--variant", request.model.variant,
            "fp8, int8 or bf16, of a model that comes in several");
}

// One line: redrawn on a terminal, elsewhere one for every tenth.
class ShownConvert {
 public:
  explicit ShownConvert(Terminal& terminal) : terminal_(terminal) {}

  void show(const ConvertProgress& now) {
    const auto total = static_cast<double>(std::max<uint64_t>(1, now.total_bytes));
    const double part = static_cast<double>(now.done_bytes) / total;
    const bool is_copy = now.phase == ConvertPhase::kCopy;
    const int tenth = static_cast<int>(10 * part) + (is_copy ? 0 : 100);
    terminal_.milestone(
        str_cat(is_copy ? "writing  " : "verifying  ", static_cast<int>(100 * part), " %  ",
                format_bytes(now.done_bytes), " of ", format_bytes(now.total_bytes)),
        tenth != tenth_);
    tenth_ = tenth;
  }

 private:
  Terminal& terminal_;
  int tenth_ = -1;
};

std::string as_json(const ConvertResult& result) {
  return nlohmann::json{{"path", result.path},
                        {"size", result.size_bytes},
                        {"was_there", result.was_there},
                        {"kept_bytes", result.kept_bytes},
                        {"written_bytes", result.written_bytes},
                        {"copy_s", result.copy_seconds},
                        {"verify_s", result.verify_seconds}}
      .dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string as_text(const ConvertResult& result, bool is_verified) {
  const std::string size = format_bytes(result.size_bytes);
  if (is_verified) return str_cat(size, ": every checksum is right");
  if (result.was_there) return str_cat(size, ": is there already, made from these files");
  const std::string kept = result.kept_bytes == 0 ? ""
                                                  : str_cat(format_bytes(result.kept_bytes),
                                                            " of it by an earlier attempt, ");
  return str_cat(size, " written, ", kept, "and verified");
}

// A conversion that broke off goes on where it was.
Error with_way_on(const Error& error, const ConvertRequest& request) {
  const bool can_go_on = !request.verify && error.code() == ErrorCode::kCancelled;
  if (!can_go_on) return error;
  return {error.code(), error.what(), "What is written is kept; the same command goes on there."};
}

int run_convert(int argc, const char* const* argv, Terminal& terminal) {
  ConvertRequest request;
  bool json = false;
  Flags flags("convert", "write a checkpoint as one checksummed file that streams well");
  add_flags(flags, request);
  flags.add_switch("--json", json, "print what was done as JSON");
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  ShownProgress progress(terminal);
  ShownConvert shown(terminal);
  ConvertResult result;
  try {
    result = convert(request, progress, [&](const ConvertProgress& now) { shown.show(now); });
  } catch (const Error& error) {
    throw with_way_on(error, request);
  }
  if (json) {
    terminal.answer(as_json(result));
  } else {
    terminal.note(as_text(result, request.verify));
    terminal.answer(result.path);
  }
  return kExitOk;
}

}  // namespace

extern const Command kConvertCommand{.name = "convert",
                                     .summary = "write a checkpoint as one file that streams well",
                                     .run = &run_convert};

}  // namespace reel::cli
