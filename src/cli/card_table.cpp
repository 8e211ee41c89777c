// SPDX-License-Identifier: Apache-2.0
#include "cli/card_table.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace reel::cli {
namespace {

using nlohmann::json;

constexpr double kPerTera = 1e-12;
constexpr double kPerGiB = 1.0 / (uint64_t{1} << 30);

constexpr const char* kAssumptions =
    "Predicted, not measured. Kernels of mma.sync cost, besides their products, the clocks\n"
    "that were measured for them on an H200, and for products what NVIDIA publishes for the\n"
    "card at its boost clock; elementwise work runs at 85 % of the memory's rate; the weights\n"
    "come from a gen-4 NVMe drive and stay in the page cache where this machine's free memory\n"
    "allows. Attention has FP8 values on all but the RTX 3060: its clocks besides products\n"
    "were measured with f16 ones in their place, and its second product is at the rate of FP8\n"
    "with f16 sums; f16 PV is `--precision int8`. A card under its power limit, or in a narrow\n"
    "slot, is slower. `reel doctor` on such a card prints what it really does.";

struct StageTimes {
  double step_s = 0, text_s = 0, denoise_s = 0, decode_s = 0;
};

StageTimes times_of(const Plan& plan) {
  StageTimes times;
  for (const StagePlan& stage : plan.stages) {
    if (stage.stage == "text") times.text_s = stage.total_s;
    if (stage.stage == "decode") times.decode_s = stage.total_s;
    if (stage.stage == "denoise") {
      times.denoise_s = stage.total_s;
      times.step_s = std::max(stage.compute_s, stage.stream_s);
    }
  }
  return times;
}

std::string row(const CardPrediction& one) {
  const Plan& plan = one.plan;
  char text[200];
  if (!plan.fits) {
    std::snprintf(text, sizeof text, "%-12s does not fit: ", plan.gpu.c_str());
    return text + plan.refusal;
  }
  const StageTimes times = times_of(plan);
  char f16_values[32] = "-";
  if (one.f16_values_step_s > 0) {
    std::snprintf(f16_values, sizeof f16_values, "%.1f", one.f16_values_step_s);
  }
  std::snprintf(text, sizeof text, "%-12s %8.0f %9.0f %8.0f %8.1f %8.1f %8.1f %8.1f %9.1f %10s",
                plan.gpu.c_str(), kPerTera * one.int8_ops, kPerTera * one.attention_ops,
                kPerTera * one.conv_ops, times.step_s, times.text_s, times.decode_s, plan.total_s,
                kPerGiB * static_cast<double>(plan.context_bytes + plan.arena_bytes), f16_values);
  return text;
}

}  // namespace

std::string card_table(const std::vector<CardPrediction>& predictions) {
  std::string text;
  if (!predictions.empty()) {
    const Plan& plan = predictions.front().plan;
    char line[160];
    std::snprintf(line, sizeof line, "%d wide x %d high, %d frames, %d steps\n\n", plan.width_px,
                  plan.height_px, plan.frames, plan.steps);
    text += line;
  }
  text +=
      "             products attention   convs     step     text   decode     clip GPU memory  "
      "step with\n"
      "                Top/s     Top/s   Top/s        s        s        s        s       GiB   f16 "
      "PV s\n";
  for (const CardPrediction& one : predictions) text += row(one) + '\n';
  return text + '\n' + kAssumptions;
}

std::string card_json(const std::vector<CardPrediction>& predictions) {
  json cards = json::array();
  for (const CardPrediction& one : predictions) {
    const Plan& plan = one.plan;
    const StageTimes times = times_of(plan);
    json card{{"gpu", plan.gpu},          {"fits", plan.fits},
              {"int8_ops", one.int8_ops}, {"attention_ops", one.attention_ops},
              {"conv_ops", one.conv_ops}, {"memory_bytes_per_s", one.memory_bytes}};
    if (plan.fits) {
      card["step_s"] = times.step_s;
      card["text_s"] = times.text_s;
      card["denoise_s"] = times.denoise_s;
      if (one.f16_values_step_s > 0) {
        card["f16_values_attention_ops"] = one.f16_values_attention_ops;
        card["f16_values_step_s"] = one.f16_values_step_s;
      }
      card["decode_s"] = times.decode_s;
      card["clip_s"] = plan.total_s;
      card["gpu_bytes"] = plan.context_bytes + plan.arena_bytes;
    }
    cards.push_back(std::move(card));
  }
  json text{{"predicted", true}, {"assumptions", kAssumptions}, {"cards", std::move(cards)}};
  if (!predictions.empty()) {
    const Plan& plan = predictions.front().plan;
    text["width"] = plan.width_px;
    text["height"] = plan.height_px;
    text["frames"] = plan.frames;
    text["steps"] = plan.steps;
  }
  return text.dump(1);
}

}  // namespace reel::cli
