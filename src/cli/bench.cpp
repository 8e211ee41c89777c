// SPDX-License-Identifier: Apache-2.0
// `reel bench`: how fast this machine computes what a clip is made of.
#include <reel/bench.h>
#include <reel/doctor.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_units.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/add_line.h"
#include "cli/card_table.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

using nlohmann::json;

constexpr uint64_t kLongestReport = uint64_t{16} << 20;

json to_json(const BenchOp& op) {
  json one{{"op", op.op},     {"shape", op.shape}, {"seconds", op.seconds},
           {"work", op.work}, {"unit", op.unit},   {"per_second", op.work / op.seconds}};
  if (op.bound_s > 0) one["of_bound"] = op.bound_s / op.seconds;
  return one;
}

json to_json(const BenchClip& clip) {
  return {{"model", clip.model},
          {"width", clip.width_px},
          {"height", clip.height_px},
          {"frames", clip.frames},
          {"seconds",
           {{"encode", clip.encode_s},
            {"denoise", clip.denoise_s},
            {"decode", clip.decode_s},
            {"total", clip.total_s}}},
          {"peak_memory_bytes", clip.peak_memory_bytes}};
}

json to_json(const BenchReport& report) {
  json rates = json::array();
  for (const BenchRate& rate : report.rates) {
    rates.push_back({{"name", rate.name}, {"per_second", rate.per_second}, {"unit", rate.unit}});
  }
  json ops = json::array();
  for (const BenchOp& op : report.ops) ops.push_back(to_json(op));
  json clips = json::array();
  for (const BenchClip& clip : report.clips) clips.push_back(to_json(clip));
  return {{"version", report.version},
          {"date", report.date},
          {"device", report.device},
          {"driver", report.driver},
          {"commit", report.commit},
          {"sm_clock_hz", report.sm_clock_hz},
          {"power_w", report.power_w},
          {"power_limit_w", report.power_limit_w},
          {"kernels", report.kernels},
          {"precision", report.precision},
          {"threads", report.threads},
          {"dim", report.dim},
          {"ffn_dim", report.ffn_dim},
          {"tokens", report.tokens},
          {"row_chunk", report.row_chunk},
          {"rates", rates},
          {"ops", ops},
          {"block", {{"seconds", report.block_s}, {"blocks", report.blocks}}},
          {"clips", clips}};
}

// "739.2 Top/s", "2990 GB/s"
std::string rate_text(double per_second, const std::string& unit) {
  char text[48];
  if (unit == "B") {
    std::snprintf(text, sizeof text, "%.1f GB/s", 1e-9 * per_second);
  } else if (per_second >= 1e12) {
    std::snprintf(text, sizeof text, "%.1f Top/s", 1e-12 * per_second);
  } else {
    std::snprintf(text, sizeof text, "%.1f Gop/s", 1e-9 * per_second);
  }
  return text;
}

std::string as_text(const BenchReport& report) {
  std::string text;
  add_line(text, "Reel %s, %s, %s, %s, %d threads, %s", report.version.c_str(),
           report.device.c_str(), report.kernels.c_str(), report.precision.c_str(), report.threads,
           report.date.c_str());
  if (report.sm_clock_hz > 0) {
    add_line(text, "driver %s; under INT8 products without a pause: %.0f MHz, %.0f of %.0f W",
             report.driver.c_str(), 1e-6 * report.sm_clock_hz, report.power_w,
             report.power_limit_w);
  }
  for (const BenchRate& rate : report.rates) {
    add_line(text, "%-66s %23s", rate.name.c_str(), rate_text(rate.per_second, rate.unit).c_str());
  }
  add_line(text, "\nDiT of width %lld on %lld tokens, and the decoder's convolutions:",
           static_cast<long long>(report.dim), static_cast<long long>(report.tokens));
  for (const BenchOp& op : report.ops) {
    std::string share;
    if (op.bound_s > 0) {
      share = std::to_string(std::lround(100 * op.bound_s / op.seconds)) + " %";
    }
    add_line(text, "%-42s %-23s %9.3f ms %14s %6s", op.op.c_str(), op.shape.c_str(),
             1e3 * op.seconds, rate_text(op.work / op.seconds, op.unit).c_str(), share.c_str());
  }
  add_line(text, "%-66s %9.3f ms", "one block", 1e3 * report.block_s);
  add_line(text, "%-66s %9.3f s", "a step by that, weights resident",
           report.block_s * report.blocks);
  for (const BenchClip& clip : report.clips) {
    add_line(text,
             "\n%s: %d wide x %d high, %d frames: %.2f s (text %.2f, denoise %.2f, decode %.2f)",
             clip.model.c_str(), clip.width_px, clip.height_px, clip.frames, clip.total_s,
             clip.encode_s, clip.denoise_s, clip.decode_s);
  }
  if (std::any_of(report.ops.begin(), report.ops.end(),
                  [](const BenchOp& op) { return op.bound_s > 0; })) {
    text += "\nPercent: of the time that the rates above allow.\n";
  }
  if (!report.saved_to.empty()) {
    add_line(text, "`reel plan` predicts times from these figures now (%s).",
             report.saved_to.c_str());
  }
  text.pop_back();
  return text;
}

json load_report(const std::string& path) {
  json report = json::parse(read_text_file(path, kLongestReport), nullptr, false);
  REEL_REQUIRE(report.is_object() && report.contains("ops") && report["ops"].is_array(), kBadFile,
               str_cat('"', path, "\" is not a report of reel bench."),
               "Write one with: reel bench --json > report.json");
  return report;
}

double seconds_of(const json& report, const json& like) {
  for (const json& op : report["ops"]) {
    if (op.value("op", "") == like.value("op", "") &&
        op.value("shape", "") == like.value("shape", "")) {
      return op.value("seconds", 0.0);
    }
  }
  return 0;
}

// Each op of both reports, and how many times faster the second is.
std::string compare(const std::string& first_path, const std::string& second_path) {
  const json first = load_report(first_path);
  const json second = load_report(second_path);
  std::string text;
  add_line(text, "%-66s %12s %12s %8s", "", "first", "second", "faster");
  for (const json& op : first["ops"]) {
    const double before = op.value("seconds", 0.0);
    const double after = seconds_of(second, op);
    const std::string name = op.value("op", "") + ", " + op.value("shape", "");
    if (before <= 0 || after <= 0) {
      add_line(text, "%-66s %9.3f ms %12s", name.c_str(), 1e3 * before, "not there");
      continue;
    }
    add_line(text, "%-66s %9.3f ms %9.3f ms %7.2fx", name.c_str(), 1e3 * before, 1e3 * after,
             before / after);
  }
  text.pop_back();
  return text;
}

std::string prediction(const std::string& card, const BenchRequest& request, bool print_json,
                       Terminal& terminal) {
  const std::vector<std::string> cards =
      card == "all" ? predictable_gpus() : std::vector<std::string>{card};
  ShownProgress progress(terminal);
  const auto predictions = predict_cards(
      cards, {.model = request.model, .sampling = request.sampling, .clip = {}}, progress);
  return print_json ? card_json(predictions) : card_table(predictions);
}

std::string reads_text(const std::vector<BenchReads>& all, bool print_json) {
  json list = json::array();
  std::string text;
  for (const BenchReads& reads : all) {
    const double per_second = static_cast<double>(reads.bytes) / reads.seconds;
    list.push_back({{"from", reads.from},
                    {"files", reads.files},
                    {"requests", reads.requests},
                    {"bytes", reads.bytes},
                    {"seconds", reads.seconds},
                    {"per_second", per_second}});
    add_line(text, "%-44s %4lld %-5s %7lld reads %10s %9.3f s %10s", reads.from.c_str(),
             static_cast<long long>(reads.files), reads.files == 1 ? "file" : "files",
             static_cast<long long>(reads.requests), format_bytes(reads.bytes).c_str(),
             reads.seconds, rate_text(per_second, "B").c_str());
  }
  text.pop_back();
  return print_json ? list.dump(1) : text;
}

int run_bench(int argc, const char* const* argv, Terminal& terminal) {
  BenchRequest request;
  std::vector<std::string> reports;
  std::string predict;
  bool print_json = false, reads = false;
  Flags flags("bench", "measure how fast this machine computes what a clip is made of");
  flags.add("REPORT", reports, "two reports (--json) to compare; nothing is measured then");
  flags.add("--predict", predict,
            "a card that is not here, as rtx4070, or all: predicted times, nothing is measured");
  flags.add("--prompt", request.prompt, "of the clip that is timed with --model");
  flags.add_switch("--reads", reads,
                   "only read the blocks of --model from disk, from its files and from its slab");
  flags.add_switch("--json", print_json, "print the report as JSON");
  flags.add_model(request.model);
  flags.add_size(request.sampling);
  flags.add("--frames", request.sampling.frames, "of the clip whose shapes are measured");
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  if (!predict.empty()) {
    terminal.answer(prediction(predict, request, print_json, terminal));
    return kExitOk;
  }
  if (!reports.empty()) {
    REEL_REQUIRE(reports.size() == 2, kInvalidArgument,
                 str_cat(reports.size(), " reports were given; two can be compared."));
    terminal.answer(compare(reports[0], reports[1]));
    return kExitOk;
  }
  if (reads) {
    ShownProgress progress(terminal);
    terminal.answer(reads_text(bench_reads(request.model, progress), print_json));
    return kExitOk;
  }
  if (request.prompt.empty()) request.prompt = "a lighthouse in a storm";
  ShownProgress progress(terminal);
  const BenchReport report = run_bench(request, progress);
  terminal.answer(print_json ? to_json(report).dump(1) : as_text(report));
  return kExitOk;
}

}  // namespace

extern const Command kBenchCommand{
    .name = "bench", .summary = "measure how fast this machine is", .run = &run_bench};

}  // namespace reel::cli
