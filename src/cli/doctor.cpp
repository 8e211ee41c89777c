// SPDX-License-Identifier: Apache-2.0
// `reel doctor`: what this machine has for making clips, and what is wrong with it.
#include <reel/doctor.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

using nlohmann::json;

const char* health_name(Health health) {
  switch (health) {
    case Health::kGood: return "good";
    case Health::kRemark: return "remark";
    case Health::kProblem: return "problem";
  }
  return "";
}

std::string as_text(const DoctorReport& report) {
  std::string text = str_cat("Reel ", report.version, '\n');
  for (const Finding& finding : report.findings) {
    char start[48];
    std::snprintf(start, sizeof start, "%-8s %-11s", health_name(finding.health),
                  finding.area.c_str());
    text += str_cat(start, ' ', finding.text, '\n');
    if (!finding.advice.empty()) text += str_cat("                     ", finding.advice, '\n');
  }
  switch (report.health()) {
    case Health::kGood: return text + "Nothing is wrong.";
    case Health::kRemark: return text + "Clips can be made; see the remarks.";
    case Health::kProblem: return text + "Something is wrong; see the problems.";
  }
  return text;
}

json to_json(const DoctorReport& report) {
  json findings = json::array();
  for (const Finding& finding : report.findings) {
    json one{
        {"area", finding.area}, {"health", health_name(finding.health)}, {"text", finding.text}};
    if (!finding.advice.empty()) one["advice"] = finding.advice;
    findings.push_back(std::move(one));
  }
  return {{"version", report.version},
          {"health", health_name(report.health())},
          {"findings", std::move(findings)}};
}

int run_doctor(int argc, const char* const* argv, Terminal& terminal) {
  DoctorRequest request;
  std::string report_file;
  bool print_json = false;
  bool skip = false;
  Flags flags("doctor", "examine this machine: GPU, driver, memory, disk, kernels, clip time");
  flags.add("--clip", request.clip,
            "a clip made here: what was slower than predicted, and why; --model says its model");
  flags.add("--report", report_file,
            "also write all of it to this file, for a bug report; no prompt and no path is in it");
  flags.add_switch("--quick", skip, "measure nothing; use what was measured before");
  flags.add_switch("--json", print_json, "print the findings as JSON");
  flags.add_model(request.model);
  flags.add_size(request.sampling);
  flags.add("--frames", request.sampling.frames, "of the clip that is predicted");
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  request.measure = !skip;

  ShownProgress progress(terminal);
  const DoctorReport report = examine_machine(request, progress);
  const std::string text =
      to_json(report).dump(1, ' ', false, json::error_handler_t::replace) + '\n';
  if (!report_file.empty()) {
    OutputFile file(report_file);
    file.write(text);
    file.commit();
    terminal.note(str_cat("Wrote \"", report_file, "\"."));
  }
  terminal.answer(print_json ? text.substr(0, text.size() - 1) : as_text(report));
  return report.health() == Health::kProblem ? kExitDiffers : kExitOk;
}

}  // namespace

extern const Command kDoctorCommand{.name = "doctor",
                                    .summary = "examine this machine and what is wrong with it",
                                    .run = &run_doctor};

}  // namespace reel::cli
