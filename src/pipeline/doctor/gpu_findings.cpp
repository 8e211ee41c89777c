// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/gpu_findings.h"

#include <algorithm>
#include <cstdio>

#include "backends/cuda/requirements.h"
#include "base/byte_units.h"
#include "base/error.h"

namespace reel::pipeline {
namespace {

// Below that a slot costs time where a checkpoint is streamed in 16 bits.
constexpr int kFewLanes = 8;
// A limit this far below the card's own shows in the clip time.
constexpr double kLowPower = 0.95;
// Of other programs; a desktop takes less.
constexpr uint64_t kMuchMemory = uint64_t{1} << 30;
// A card that reaches less of what is assumed of it than this has something in its way.
constexpr double kSlow = 0.8;

std::string number(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

Finding on_driver(const cuda::Versions& versions, const std::string& release) {
  Finding finding{.area = "driver", .text = {}, .advice = {}};
  finding.text =
      str_cat(release.empty() ? std::string("NVIDIA's driver") : release, ", runs CUDA up to ",
              versions.driver_supports, "; this program was built with ", versions.built_with);
  return finding;
}

Finding on_link(const cuda::Nvml::Link& link) {
  Finding finding{.area = "link",
                  .text = str_cat("PCI Express ", link.most_generation, ".0 x", link.most_width,
                                  " at most; ", link.generation, ".0 x", link.width, " now"),
                  .advice = {}};
  if (link.width < link.most_width) {
    finding.health = Health::kRemark;
    finding.advice = "Fewer lanes than the card and the slot have are in use: reseat the card.";
  } else if (link.most_width < kFewLanes) {
    finding.health = Health::kRemark;
    finding.advice =
        "A slot with more lanes moves weights faster; see \"clip time\" for whether "
        "that would change anything.";
  }
  return finding;
}

Finding on_power(const cuda::Nvml::Power& power) {
  Finding finding{.area = "power",
                  .text = str_cat("limit ", number("%.0f", power.limit_w), " W, the card's own ",
                                  number("%.0f", power.default_limit_w), " W"),
                  .advice = {}};
  if (power.limit_w < kLowPower * power.default_limit_w) {
    finding.health = Health::kRemark;
    finding.advice = str_cat("Clips take longer under a lower limit; nvidia-smi -pl ",
                             number("%.0f", power.default_limit_w), " sets the card's own again.");
  }
  return finding;
}

Finding on_others(const cuda::Nvml::Others& others, const CardState& state) {
  Finding finding{.area = "GPU memory", .text = {}, .advice = {}};
  if (state.memory) {
    finding.text = str_cat(format_bytes(state.memory->free_bytes), " free, ",
                           format_bytes(state.memory->used_bytes), " in use");
  }
  if (others.programs == 0) return finding;
  finding.text += str_cat(finding.text.empty() ? "" : "; ", others.programs,
                          others.programs == 1 ? " other program uses " : " other programs use ",
                          others.bytes > 0 ? format_bytes(others.bytes) : "some of it");
  if (others.bytes > kMuchMemory) {
    finding.health = Health::kRemark;
    finding.advice = "What others hold cannot be planned with: close browsers and games.";
  }
  return finding;
}

std::string share(const char* what, double measured, double assumed, const char* unit) {
  return str_cat(what, ' ', number("%.0f", measured), " (", number("%.0f", assumed), ") ", unit);
}

}  // namespace

CardState card_state(const cuda::GpuFacts& gpu) {
  CardState state{.driver_release = cuda::driver_release()};
  const auto nvml = cuda::Nvml::open(gpu.bus_id);
  if (nvml == nullptr) return state;
  if (const std::string told = nvml->driver_release(); !told.empty()) state.driver_release = told;
  state.memory = nvml->card();
  state.link = nvml->link();
  state.power = nvml->power();
  state.others = nvml->others();
  return state;
}

std::vector<Finding> findings_on(const cuda::GpuFacts& gpu, const cuda::Versions& versions,
                                 const CardState& state) {
  std::vector<Finding> findings{
      {.area = "GPU",
       .text = str_cat(gpu.name, ", compute capability ", gpu.major, '.', gpu.minor, ", ",
                       gpu.multiprocessors, " multiprocessors, ", format_bytes(gpu.total_bytes)),
       .advice = {}},
      on_driver(versions, state.driver_release)};
  if (state.link) findings.push_back(on_link(*state.link));
  if (state.power) findings.push_back(on_power(*state.power));
  if (state.memory || state.others.programs > 0) {
    findings.push_back(on_others(state.others, state));
  }
  return findings;
}

Finding finding_on_kernels(const cuda::GpuFacts& gpu) {
  const bool has_wgmma = gpu.major == 9;
  const char* instruction = has_wgmma ? "wgmma" : "mma.sync";
  std::string text = str_cat("INT8 products by ", instruction, ", 8-bit attention by ", instruction,
                             ", f16 convolutions: all in this program, no library needed");
  if (!has_wgmma) {
    text += str_cat("; wgmma is an instruction of 9.0 (Hopper), this card is ", gpu.major, '.',
                    gpu.minor);
  }
  const bool has_fp8 = gpu.major > 8 || (gpu.major == 8 && gpu.minor >= 9);
  text += has_fp8 ? ". FP8 checkpoints run as INT8 too, which errs less and is at least as fast"
                  : ". FP8 checkpoints run as INT8: this card has no FP8 products";
  return {.area = "kernels", .text = text, .advice = {}};
}

Finding finding_on_rates(const memory::Rates& measured, const memory::Rates& assumed,
                         const std::string& assumed_for) {
  constexpr double kTera = 1e-12;
  constexpr double kGiga = 1e-9;
  Finding finding{
      .area = "speed",
      .text = str_cat(
          share("INT8 products", kTera * measured.int8_ops, kTera * assumed.int8_ops, "Top/s, "),
          share("attention", kTera * measured.attention_ops, kTera * assumed.attention_ops,
                "Top/s, "),
          share("convolutions", kTera * measured.conv_ops, kTera * assumed.conv_ops, "Top/s, "),
          share("GPU memory", kGiga * measured.memory_bytes, kGiga * assumed.memory_bytes,
                "GB/s, "),
          share("host to GPU", kGiga * measured.upload_bytes, kGiga * assumed.upload_bytes,
                "GB/s; "),
          "in brackets what is assumed of an ", assumed_for, " that was not measured"),
      .advice = {}};
  const double least = std::min(
      {measured.int8_ops / assumed.int8_ops, measured.attention_ops / assumed.attention_ops});
  if (least < kSlow) {
    finding.health = Health::kRemark;
    finding.advice =
        "Slower than assumed: look at the power limit, at the card's temperature and "
        "at other programs that use it.";
  }
  return finding;
}

}  // namespace reel::pipeline
