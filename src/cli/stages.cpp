// SPDX-License-Identifier: Apache-2.0
// `reel encode-text`, `reel denoise`, `reel decode`: the stages on their own.
#include <reel/stages.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"
#include "cli/summary.h"

namespace reel::cli {
namespace {

constexpr uint64_t kLongestIdsFile = uint64_t{1} << 20;

// A JSON array of numbers.
std::vector<int> read_ids(const std::string& path) {
  const auto parsed = nlohmann::json::parse(read_text_file(path, kLongestIdsFile), nullptr, false);
  const auto is_id = [](const nlohmann::json& value) {
    return value.is_number_integer() && value == value.get<int>();
  };
  REEL_REQUIRE(parsed.is_array() && !parsed.empty() && std::ranges::all_of(parsed, is_id), kBadFile,
               str_cat('"', path, "\" is not a JSON array of token ids, which are whole numbers."),
               "Write it like [1234, 5, 1].");
  return parsed.get<std::vector<int>>();
}

void show(const RunReport& report, Terminal& terminal) {
  terminal.note(summary_of_time(report));
  for (const std::string& line : summary_lines(report)) terminal.note(line);
}

int run_encode(int argc, const char* const* argv, Terminal& terminal) {
  ModelOptions model;
  EncodeTextRequest request;
  std::string ids_file;
  Flags flags("encode-text", "prompt to text states");
  flags.add("--prompt", request.prompt, "what the clip shows");
  flags.add("--negative-prompt", request.negative_prompt, "encoded beside it, for guidance");
  flags.add("--ids", ids_file, "a JSON array of token ids instead of a prompt");
  flags.add("--out", request.out, "the .safetensors file to write");
  flags.required();
  flags.add_model(model);
  flags.add_trace(model);
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  if (!ids_file.empty()) request.ids = read_ids(ids_file);
  REEL_REQUIRE(request.ids.empty() != request.prompt.empty(), kInvalidArgument,
               "One of --prompt and --ids is needed, and only one.");
  request.with_negative = !request.negative_prompt.empty();
  ShownProgress progress(terminal);
  show(encode_text(model, request, progress), terminal);
  terminal.answer(request.out);
  return kExitOk;
}

int run_denoise(int argc, const char* const* argv, Terminal& terminal) {
  ModelOptions model;
  DenoiseRequest request;
  Flags flags("denoise", "text states to latents");
  flags.add("--text", request.text, "what reel encode-text wrote");
  flags.required();
  flags.add("--noise", request.noise, "a file with noise and step_noise instead of the seed's");
  flags.add("--preview", request.preview_dir,
            "a folder for step-1.png and on: what the clip is going to look like after each step");
  flags.add_preview_decoder(model);
  flags.add("--state", request.state,
            "a file written after every step, from which the same call goes on after a stop");
  flags.add_switch("--trace-velocity", request.trace_velocity, "keep the velocity of each step");
  flags.add("--out", request.out, "the .safetensors file to write");
  flags.required();
  flags.add_model(model);
  flags.add_trace(model);
  flags.add_sampling(request.sampling);
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  drop_unseen_previews(request.preview_dir, model, terminal);
  ShownProgress progress(terminal);
  show(denoise(model, request, progress), terminal);
  terminal.answer(request.out);
  return kExitOk;
}

int run_decode(int argc, const char* const* argv, Terminal& terminal) {
  ModelOptions model;
  DecodeRequest request;
  bool no_recipe = false;
  Flags flags("decode", "latents to a clip");
  flags.add("--latents", request.latents, "what reel denoise wrote");
  flags.required();
  flags.add("--out", request.out, "clip.mp4, clip.y4m, a folder for PNG, or frames.safetensors");
  flags.required();
  flags.add_switch("--force", request.overwrite, "replace an existing file");
  flags.add("--fps", request.fps, "frames per second");
  flags.add("--quality", request.quality, "0 (lossless) to 51");
  flags.add_switch("--no-recipe", no_recipe, "leave the recipe out of the clip");
  flags.add_model(model);
  flags.add_trace(model);
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  request.write_recipe = !no_recipe;
  ShownProgress progress(terminal);
  show(decode(model, request, progress), terminal);
  terminal.answer(request.out);
  return kExitOk;
}

}  // namespace

extern const Command kEncodeTextCommand{
    .name = "encode-text", .summary = "prompt to text states", .run = &run_encode};
extern const Command kDenoiseCommand{
    .name = "denoise", .summary = "text states to latents", .run = &run_denoise};
extern const Command kDecodeCommand{
    .name = "decode", .summary = "latents to a clip", .run = &run_decode};

}  // namespace reel::cli
