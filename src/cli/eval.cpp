// SPDX-License-Identifier: Apache-2.0
// `reel eval`: what faster arithmetic costs on a checkpoint.
#include "cli/eval.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

using nlohmann::json;

template <typename... Args>
std::string line(const char* format, Args... args) {
  char text[256];
  std::snprintf(text, sizeof text, format, args...);
  return std::string(text) + '\n';
}

std::string headings(const EvalReport& report) {
  std::string names = "           ";
  std::string kinds = "block      ";
  for (const EvalPath& path : report.paths) {
    char name[32];
    std::snprintf(name, sizeof name, "%19s", path.name.c_str());
    names += name;
    kinds += "     local    accum";
  }
  return names + '\n' + kinds + '\n';
}

std::string block_row(const EvalReport& report, size_t block) {
  char text[64];
  std::snprintf(text, sizeof text, "%5zu      ", block);
  std::string row = text;
  for (const EvalPath& path : report.paths) {
    std::snprintf(text, sizeof text, "  %8.2e %8.2e", path.local[block], path.accumulated[block]);
    row += text;
  }
  return row + '\n';
}

std::string whole_row(const EvalReport& report, const char* name, double EvalPath::*error) {
  char text[64];
  std::snprintf(text, sizeof text, "%-11s", name);
  std::string row = text;
  for (const EvalPath& path : report.paths) {
    std::snprintf(text, sizeof text, "           %8.2e", path.*error);
    row += text;
  }
  return row + '\n';
}

std::string verdict(const EvalPath& path) {
  std::string text = path.name + ": " + path.what;
  if (!path.velocity_of_fp8) return text + '\n';
  char part[160];
  std::snprintf(part, sizeof part,
                "\n  at most %.2f of fp8's error after one forward, %.2f at the end",
                *path.velocity_of_fp8, *path.latents_of_fp8);
  text += part;
  if (path.has_limit) {
    std::snprintf(part, sizeof part, ": %s, at most %.2f is allowed",
                  path.is_within() ? "within" : "TOO FAR", kMostOfFp8);
    text += part;
  }
  return text + '\n';
}

}  // namespace

std::string eval_table(const EvalReport& report) {
  std::string text = line("%s (%s) on %s, %s", report.model.c_str(), report.layout.c_str(),
                          report.device.c_str(), report.kernels.c_str());
  text +=
      line("%d wide x %d high, %d frames (%lld tokens), %lld tokens of text, %d steps with %s",
           report.width_px, report.height_px, report.frames, static_cast<long long>(report.tokens),
           static_cast<long long>(report.text_tokens), report.steps, report.sampler.c_str());
  text +=
      line("runs: %d, seed %llu and on; velocity and latents are geometric means of their errors",
           report.count, static_cast<unsigned long long>(report.seed));
  if (report.layers < report.model_layers) {
    text += line("the first %d of %d blocks alone", report.layers, report.model_layers);
  }
  text +=
      "\nerror |got - exact| / |exact| of a block's output given the exact input (local) and "
      "its own (accum);\nexact: f32 products of the dequantised weights, f32 attention\n\n";
  text += headings(report);
  for (size_t block = 0; block < static_cast<size_t>(report.layers); ++block) {
    text += block_row(report, block);
  }
  text += whole_row(report, "velocity", &EvalPath::velocity);
  text += whole_row(report, "latents", &EvalPath::latents);
  text += '\n';
  for (const EvalPath& path : report.paths) text += verdict(path);
  text.pop_back();
  return text;
}

std::string eval_json(const EvalReport& report) {
  json paths = json::array();
  for (const EvalPath& path : report.paths) {
    json one{{"name", path.name},           {"what", path.what},
             {"local", path.local},         {"accumulated", path.accumulated},
             {"velocity", path.velocity},   {"latents", path.latents},
             {"has_limit", path.has_limit}, {"within", path.is_within()}};
    if (path.velocity_of_fp8) one["velocity_of_fp8"] = *path.velocity_of_fp8;
    if (path.latents_of_fp8) one["latents_of_fp8"] = *path.latents_of_fp8;
    paths.push_back(std::move(one));
  }
  const json text{{"model", report.model},
                  {"layout", report.layout},
                  {"device", report.device},
                  {"kernels", report.kernels},
                  {"width", report.width_px},
                  {"height", report.height_px},
                  {"frames", report.frames},
                  {"steps", report.steps},
                  {"sampler", report.sampler},
                  {"seed", report.seed},
                  {"count", report.count},
                  {"tokens", report.tokens},
                  {"text_tokens", report.text_tokens},
                  {"layers", report.layers},
                  {"model_layers", report.model_layers},
                  {"most_of_fp8", kMostOfFp8},
                  {"within", report.is_within()},
                  {"paths", paths}};
  return text.dump(1, ' ', false, json::error_handler_t::replace);
}

namespace {

int run_eval(int argc, const char* const* argv, Terminal& terminal) {
  EvalRequest request;
  bool print_json = false;
  bool check = false;
  Flags flags("eval", "measure what faster arithmetic costs on a checkpoint");
  flags.add("--prompt", request.prompt, "a sentence of its own when left out");
  flags.add("--layers", request.layers, "the first blocks of the network alone; 0 for all");
  flags.add("--count", request.count, "runs to take the mean of, with seeds that follow");
  flags.add_switch("--check", check, "exit with 1 when an 8-bit path is too far from exact");
  flags.add_switch("--json", print_json, "print the errors as JSON");
  flags.add_model(request.model);
  flags.add_sampling(request.sampling);
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;

  ShownProgress progress(terminal);
  const EvalReport report = evaluate(request, progress);
  terminal.answer(print_json ? eval_json(report) : eval_table(report));
  return check && !report.is_within() ? kExitDiffers : kExitOk;
}

}  // namespace

extern const Command kEvalCommand{.name = "eval",
                                  .summary = "measure what faster arithmetic costs on a checkpoint",
                                  .run = &run_eval};

}  // namespace reel::cli
