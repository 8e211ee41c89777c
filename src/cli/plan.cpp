// SPDX-License-Identifier: Apache-2.0
// `reel plan`: what a clip would take on a GPU, and whether it fits.
#include <reel/plan.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/byte_units.h"
#include "cli/add_line.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

using nlohmann::json;

json to_json(const StagePlan& stage) {
  json tags = json::array();
  for (const PlanTag& tag : stage.tags) {
    tags.push_back({{"tag", tag.tag}, {"when", tag.when}, {"bytes", tag.size_bytes}});
  }
  return {{"stage", stage.stage},
          {"weights", stage.weights},
          {"arena_bytes", stage.arena_bytes},
          {"tags", tags},
          {"passes", stage.passes},
          {"strips", stage.strips},
          {"tiles", stage.tiles},
          {"blocks", stage.blocks},
          {"resident", stage.resident},
          {"window_slots", stage.window_slots},
          {"slot_bytes", stage.slot_bytes},
          {"read_mode", stage.read_mode},
          {"first_pass_bytes", stage.first_pass_bytes},
          {"later_pass_bytes", stage.later_pass_bytes},
          {"later_pass_disk_bytes", stage.later_pass_disk_bytes},
          {"seconds",
           {{"compute", stage.compute_s}, {"stream", stage.stream_s}, {"total", stage.total_s}}}};
}

std::string as_json(const Plan& plan) {
  json stages = json::array();
  for (const StagePlan& stage : plan.stages) stages.push_back(to_json(stage));
  const json second = plan.second_attempt ? to_json(*plan.second_attempt) : json();
  return json{{"fits", plan.fits},
              {"refusal", plan.refusal},
              {"alternatives", plan.alternatives},
              {"width", plan.width_px},
              {"height", plan.height_px},
              {"frames", plan.frames},
              {"steps", plan.steps},
              {"prompt_tokens", plan.prompt_tokens},
              {"guided", plan.guided},
              {"gpu", plan.gpu},
              {"assumed", plan.is_assumed},
              {"card_bytes", plan.card_bytes},
              {"cap_bytes", plan.cap_bytes},
              {"least_cap_bytes", plan.least_cap_bytes},
              {"context_bytes", plan.context_bytes},
              {"arena_bytes", plan.arena_bytes},
              {"row_chunk", plan.row_chunk},
              {"stages", stages},
              {"second_attempt", second},
              {"host_bytes", plan.host_bytes},
              {"ring_bytes", plan.ring_bytes},
              {"seconds", plan.total_s},
              {"warnings", plan.warnings},
              {"notes", plan.notes}}
      .dump(1);
}

std::string blocks_text(const StagePlan& stage) {
  if (stage.blocks == 0) {
    std::string text = stage.weights + " files";
    if (stage.strips > 1) text += ", in " + std::to_string(stage.strips) + " strips";
    if (stage.tiles > 1) text += ", in " + std::to_string(stage.tiles) + " blended tiles";
    return text;
  }
  const auto resident = static_cast<int>(stage.resident.size());
  std::string text = stage.weights + " files, " + std::to_string(stage.blocks) + " blocks, " +
                     std::to_string(resident) + " resident";
  if (stage.window_slots == 0) return text;
  return text + ", the others through " + std::to_string(stage.window_slots) + " slots of " +
         format_bytes(stage.slot_bytes);
}

void add_stage(std::string& text, const StagePlan& stage) {
  add_line(text, "%-9s %s", stage.stage.c_str(), blocks_text(stage).c_str());
  for (const PlanTag& tag : stage.tags) {
    add_line(text, "          %-24s %10s%s", tag.tag.c_str(), format_bytes(tag.size_bytes).c_str(),
             tag.when == "setup" ? "  before the first block, in the place of activations" : "");
  }
  add_line(text, "          %-24s %10s", "in all", format_bytes(stage.arena_bytes).c_str());
}

void add_reads(std::string& text, const StagePlan& stage) {
  if (stage.passes == 1) {
    return add_line(text, "  %-9s %s once", stage.stage.c_str(),
                    format_bytes(stage.first_pass_bytes).c_str());
  }
  const char* const from =
      stage.later_pass_disk_bytes > 0 ? "disk, around the page cache" : "the page cache";
  add_line(text, "  %-9s %s once, then %s in each of %d passes, from %s", stage.stage.c_str(),
           format_bytes(stage.first_pass_bytes).c_str(),
           format_bytes(stage.later_pass_bytes).c_str(), stage.passes - 1, from);
}

// "12.3 s", and "4.5 ms" below a second.
std::string time_text(double seconds) {
  const bool is_short = seconds < 1;
  const double number = is_short ? 1e3 * seconds : seconds;
  char text[32];
  std::snprintf(text, sizeof text, is_short && number >= 10 ? "%.0f %s" : "%.1f %s", number,
                is_short ? "ms" : "s");
  return text;
}

void add_times(std::string& text, const Plan& plan) {
  add_line(text, "time%s, from a cold disk:",
           plan.is_assumed
               ? (" (a prediction: the speed of an " + plan.gpu + " is assumed)").c_str()
               : "");
  for (const StagePlan& stage : plan.stages) {
    if (stage.passes > 1) {
      add_line(text, "  %-9s %10s; a pass computes for %s and streams for %s", stage.stage.c_str(),
               time_text(stage.total_s).c_str(), time_text(stage.compute_s).c_str(),
               time_text(stage.stream_s).c_str());
    } else {
      add_line(text, "  %-9s %10s", stage.stage.c_str(), time_text(stage.total_s).c_str());
    }
  }
  add_line(text, "  %-9s %10s", "in all", time_text(plan.total_s).c_str());
}

std::string as_text(const Plan& plan) {
  std::string text;
  add_line(text, "%d wide x %d high, %d frames, %d steps%s, up to %d tokens of prompt",
           plan.width_px, plan.height_px, plan.frames, plan.steps,
           plan.guided ? " with guidance" : "", plan.prompt_tokens);
  add_line(text, "as on a card of %s: %s may be used, %s of it is the driver's\n",
           format_bytes(plan.card_bytes).c_str(), format_bytes(plan.cap_bytes).c_str(),
           format_bytes(plan.context_bytes).c_str());
  for (const StagePlan& stage : plan.stages) add_stage(text, stage);
  add_line(text, "\nA step that goes wrong %s",
           plan.second_attempt ? ("is taken again in 16 bits within " +
                                  format_bytes(plan.second_attempt->arena_bytes))
                                     .c_str()
                               : "cannot be taken again in 16 bits: there is no room for it");
  add_line(text, "\nGPU memory  %s: the driver's and the largest stage's",
           format_bytes(plan.context_bytes + plan.arena_bytes).c_str());
  add_line(text, "host memory %s, of it pinned %s", format_bytes(plan.host_bytes).c_str(),
           format_bytes(plan.ring_bytes).c_str());
  text += "reads:\n";
  for (const StagePlan& stage : plan.stages) add_reads(text, stage);
  add_times(text, plan);
  text += plan.fits ? "it fits" : "it does not fit";
  return text;
}

std::string hint_of(const Plan& plan) {
  std::string hint;
  for (const std::string& one : plan.alternatives) {
    hint += (hint.empty() ? "What would fit: " : ", or ") + one;
  }
  return hint.empty() ? hint : hint + '.';
}

int run_plan(int argc, const char* const* argv, Terminal& terminal) {
  PlanRequest request;
  bool print_json = false;
  Flags flags("plan", "tell what a clip would take on a GPU, and whether it fits");
  flags.add("--prompt", request.prompt, "counted when given; the longest is planned for otherwise");
  flags.add("--negative-prompt", request.negative_prompt, "the same, under guidance");
  flags.add_switch("--json", print_json, "print the plan as JSON");
  flags.add_model(request.model);
  flags.add_preview_decoder(request.model);
  flags.add_sampling(request.sampling);
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;

  const Plan plan = make_plan(request);
  for (const std::string& note : plan.notes) terminal.note(note);
  for (const std::string& warning : plan.warnings) terminal.warning(warning);
  terminal.answer(print_json ? as_json(plan) : as_text(plan));
  if (plan.fits) return kExitOk;
  terminal.error({ErrorCode::kOutOfMemory, plan.refusal, hint_of(plan)});
  return exit_code(ErrorCode::kOutOfMemory);
}

}  // namespace

extern const Command kPlanCommand{
    .name = "plan", .summary = "tell what a clip would take on a GPU", .run = &run_plan};

}  // namespace reel::cli
