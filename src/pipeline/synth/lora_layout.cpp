// SPDX-License-Identifier: Apache-2.0
// Random LoRA files, one for every way in which they are published.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/error.h"
#include "checkpoint/lora_keys.h"
#include "checkpoint/naming.h"
#include "pipeline/synth/plan.h"

namespace reel::synth {
namespace {

using checkpoint::LoraPart;

enum class Holds {
  kPairs,           // of the blocks' matrices
  kPairsAndDeltas,  // and full deltas of all else, as step distillations have them
  kDeltas,          // of every tensor
};

struct Style {
  const char* name;
  const char* prefix;
  const char* naming;  // of the modules
  int keys;            // as checkpoint::lora_ending counts
  Holds holds = Holds::kPairs;
  bool has_alpha = false;
};

// Source: the names of published files and of what trainers write.
constexpr Style kStyles[] = {
    {.name = "lightx2v",
     .prefix = "diffusion_model.",
     .naming = "Wan",
     .keys = 0,
     .holds = Holds::kPairsAndDeltas},
    {.name = "kohya", .prefix = "lora_unet_", .naming = "Wan", .keys = 0, .has_alpha = true},
    {.name = "comfy", .prefix = "diffusion_model.", .naming = "Wan", .keys = 0, .has_alpha = true},
    {.name = "processor", .prefix = "transformer.", .naming = "diffusers", .keys = 1},
    {.name = "peft", .prefix = "diffusion_model.", .naming = "Wan", .keys = 2},
    {.name = "diffusers", .prefix = "transformer.", .naming = "diffusers", .keys = 2},
    {.name = "old_diffusers", .prefix = "transformer.", .naming = "diffusers", .keys = 3},
    {.name = "bare", .prefix = "", .naming = "Wan", .keys = 4},
    {.name = "linear_layer", .prefix = "transformer.", .naming = "diffusers", .keys = 5},
    {.name = "peft_default", .prefix = "model.diffusion_model.", .naming = "Wan", .keys = 6},
    {.name = "full",
     .prefix = "diffusion_model.",
     .naming = "Wan",
     .keys = 0,
     .holds = Holds::kDeltas},
};

constexpr int64_t kDefaultRank = 4;
// A pair changes a weight by about this much of its size.
constexpr double kPairGain = 0.3;
constexpr float kDeltaAmplitude = 0.02f;

const Style& find_style(const std::string& name) {
  std::string known;
  for (const Style& style : kStyles) {
    if (name == style.name) return style;
    known += str_cat(known.empty() ? "" : ", ", style.name);
  }
  fail(ErrorCode::kInvalidArgument, str_cat("There is no LoRA style \"", name, "\"."),
       str_cat("Known are ", known, ", written like lora:peft."));
}

float amplitude_for(double standard_deviation) {
  return static_cast<float>(std::sqrt(3.0) * standard_deviation);
}

// The file of one style.
class LoraPlanner {
 public:
  LoraPlanner(const Model& model, const Style& style, int64_t rank)
      : model_(model), style_(style), rank_(rank) {}

  std::vector<TensorPlan> plan() && {
    for (const SourceTensor& tensor : dit_tensors(model_)) {
      if (style_.holds != Holds::kDeltas && tensor.is_matrix) {
        add_pair(tensor);
      } else if (style_.holds != Holds::kPairs) {
        add_delta(tensor);
      }
    }
    return std::move(tensors_);
  }

 private:
  TensorValuesPtr random(const std::string& name, float amplitude) const {
    return random_values(model_.seed,
                         {.stream = stream_of("lora/" + name), .amplitude = amplitude});
  }

  // The module of "<module>.weight" as this publisher calls it.
  std::string module_of(const std::string& name) const {
    const auto theirs =
        checkpoint::find_naming(checkpoint::Network::kDit, style_.naming)->theirs(name);
    REEL_REQUIRE(theirs.has_value(), kInternal, str_cat("no LoRA name for ", name));
    std::string module = theirs->substr(0, theirs->rfind('.'));
    if (std::string(style_.prefix).ends_with('_')) std::ranges::replace(module, '.', '_');
    return style_.prefix + module;
  }

  void add_pair(const SourceTensor& tensor) {
    const std::string module = module_of(tensor.name);
    const int64_t out = tensor.shape[0], in = tensor.shape.elements() / out;
    const auto add = [&](LoraPart part, const Shape& shape, double deviation) {
      tensors_.push_back(
          rounded({.name = module + checkpoint::lora_ending(style_.keys, part),
                   .shape = shape,
                   .values = random(tensor.name + (part == LoraPart::kUp ? "/up" : "/down"),
                                    amplitude_for(deviation))},
                  DType::kBF16));
    };
    add(LoraPart::kUp, {out, rank_}, kPairGain / std::sqrt(static_cast<double>(rank_)));
    add(LoraPart::kDown, {rank_, in}, 1 / std::sqrt(static_cast<double>(in)));
    if (style_.has_alpha) add_alpha(module);
  }

  // Half the rank: who leaves it out is wrong by a factor of two.
  void add_alpha(const std::string& module) {
    const auto alpha = std::bit_cast<std::array<char, 4>>(static_cast<float>(rank_) / 2);
    tensors_.push_back({.spec = {.name = module + ".alpha", .dtype = DType::kF32, .shape = {}},
                        .content = Content::kBytes,
                        .bytes = std::string(alpha.begin(), alpha.end())});
  }

  void add_delta(const SourceTensor& tensor) {
    const bool is_bias = tensor.name.ends_with(".bias");
    const bool is_modulation = tensor.name.ends_with("modulation");
    const char* const ending = is_bias ? ".diff_b" : is_modulation ? ".diff_m" : ".diff";
    const bool is_vector = tensor.shape.axes() < 2 || is_modulation;
    const int64_t inputs = tensor.shape.elements() / tensor.shape[0];
    const float amplitude = is_vector
                                ? kDeltaAmplitude
                                : amplitude_for(kPairGain / std::sqrt(static_cast<double>(inputs)));
    tensors_.push_back(rounded({.name = module_of(tensor.name) + ending,
                                .shape = tensor.shape,
                                .values = random(tensor.name + "/diff", amplitude)},
                               is_vector ? DType::kF32 : DType::kBF16));
  }

  const Model& model_;
  const Style& style_;
  const int64_t rank_;
  std::vector<TensorPlan> tensors_;
};

}  // namespace

void add_lora(Plan& plan, const Model& model, const std::string& style) {
  REEL_REQUIRE(!model.with_vace, kUnsupported, "A LoRA changes no tensors of VACE.",
               "Leave with_vace out.");
  const int64_t rank = model.lora_rank == 0 ? kDefaultRank : model.lora_rank;
  REEL_REQUIRE(rank > 0 && rank <= 1 << 16, kInvalidArgument,
               str_cat("rank is ", rank, "; 1 to 65536 are possible."));
  plan.files.push_back(
      {.name = str_cat("wan2.1_t2v_", model.size_name, "_lora_rank", rank, '_',
                       style == "lightx2v" ? "4step_lightx2v" : style, ".safetensors"),
       .start = safetensors_writer(),
       .tensors = LoraPlanner(model, find_style(style), rank).plan()});
}

}  // namespace reel::synth
