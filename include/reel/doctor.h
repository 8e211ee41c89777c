// SPDX-License-Identifier: Apache-2.0
// What this machine has for making clips, whether its kernels compute right, and how long a clip
// should take.
#pragma once

#include <reel/plan.h>
#include <reel/progress.h>
#include <reel/request.h>

#include <string>
#include <vector>

namespace reel {

struct DoctorRequest {
  // Its device is examined. With a model, that model's clip is predicted; else the 14B's.
  ModelOptions model;
  SamplingOptions sampling;  // of the clip
  // A clip that Reel made here, whose times are compared with what is predicted; or empty.
  std::string clip;
  bool measure = true;  // false leaves out the seconds of measuring; old figures are used
};

enum class Health {
  kGood,
  kRemark,   // clips can be made, but something costs time or memory
  kProblem,  // something is wrong or missing
};

// One thing that was looked at. Neither paths nor prompts are in it.
struct Finding {
  std::string area;  // "GPU", "driver", "link", "disk", "self-test"
  Health health = Health::kGood;
  std::string text;
  std::string advice;  // what to do about it, or empty
};

struct DoctorReport {
  std::string version, date;
  std::vector<Finding> findings;

  Health health() const {
    Health worst = Health::kGood;
    for (const Finding& one : findings) {
      if (one.health > worst) worst = one.health;
    }
    return worst;
  }
};

// A GPU that is missing or cannot be used is a finding, not an error. Throws kInvalidArgument for
// a device that has no such name, as Engine for the model, and as read_recipe() for the clip.
DoctorReport examine_machine(const DoctorRequest& request, Progress& progress);

// A clip on a card that is not here.
struct CardPrediction {
  Plan plan;  // plan.gpu names the card
  // Per second: what products, attention and convolutions should sustain, and the card's memory.
  double int8_ops = 0, attention_ops = 0, conv_ops = 0, memory_bytes = 0;
  // With precision "int8", where "auto" takes "int8-fp8pv": per second, and seconds. Else 0.
  double f16_values_attention_ops = 0, f16_values_step_s = 0;
};

// Of each of these cards (as PlanRequest::as_gpu), for the clip and the model of `request`. Throws
// kInvalidArgument for another card, as Engine for the model.
std::vector<CardPrediction> predict_cards(const std::vector<std::string>& gpus,
                                          const DoctorRequest& request, Progress& progress);

}  // namespace reel
