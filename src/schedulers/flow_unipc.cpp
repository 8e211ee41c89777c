// SPDX-License-Identifier: Apache-2.0
// Variable names follow the paper: lambda is half the log signal-to-noise ratio, h its growth over
// a step, m an estimate of the clean latents, D a divided difference of two of them.
#include "schedulers/flow_unipc.h"

#include <algorithm>
#include <cmath>

namespace reel::schedulers {
namespace {

constexpr int kOrder = 2;

double lambda_of(double sigma) { return std::log1p(-sigma) - std::log(sigma); }

// The move from level s to level t without its correction terms: x_t = keep * x - gain * m.
struct Move {
  double keep;  // sigma_t / sigma_s
  double gain;  // alpha_t * (e^-h - 1); also the factor in front of the corrections
  double h;
};

Move move_between(double sigma_s, double sigma_t) {
  if (sigma_t == 0.0) return {.keep = 0.0, .gain = -1.0, .h = INFINITY};
  const double h = lambda_of(sigma_t) - lambda_of(sigma_s);
  return {.keep = sigma_t / sigma_s, .gain = (1.0 - sigma_t) * std::expm1(-h), .h = h};
}

// Where the step before s lies, seen from s in units of h. Negative.
double ratio_before(double sigma_before, double sigma_s, double h) {
  return (lambda_of(sigma_before) - lambda_of(sigma_s)) / h;
}

// The two weights of the order-2 corrector: solves [[1, 1], [r, 1]] * rho = b.
struct CorrectorWeights {
  double of_history;  // of D = (m_before - m) / r
  double of_new;      // of the new estimate minus m
};

CorrectorWeights corrector_weights(double r, double h) {
  const double phi_1 = std::expm1(-h);
  const double phi_2 = phi_1 / -h - 1.0;
  const double phi_3 = phi_2 / -h - 0.5;
  const double b_1 = phi_2 / phi_1;
  const double b_2 = 2.0 * phi_3 / phi_1;
  const double of_history = (b_1 - b_2) / (1.0 - r);
  return {.of_history = of_history, .of_new = b_1 - of_history};
}

// The slot that holds the estimate made `back` steps before the step with `step_index`.
Slot clean_slot(int step_index, int back) {
  return static_cast<Slot>(static_cast<int>(Slot::kClean0) + (step_index + 3 - back) % 3);
}

Term term(double factor, Slot slot) { return {static_cast<float>(factor), slot}; }

}  // namespace

int FlowUniPc::order_at(int step_index, int completed) const {
  const int remaining = static_cast<int>(steps().size()) - step_index;
  return std::min({kOrder, completed + 1, remaining});
}

StepUpdate FlowUniPc::update(const Step& step, int completed) const {
  const auto sigma = [&](int index) { return static_cast<double>(steps()[index].sigma); };
  const Slot m = clean_slot(step.index, 0);
  const Slot m_before = clean_slot(step.index, 1);
  const Slot m_before_that = clean_slot(step.index, 2);
  StepUpdate update;
  update.add(m, {{1.0f, Slot::kLatents}, {-step.sigma, Slot::kVelocity}});

  // Corrector: takes the step before once more, now knowing the estimate at its end.
  if (completed > 0 && step.index > 0) {
    const Move move = move_between(sigma(step.index - 1), sigma(step.index));
    if (order_at(step.index - 1, completed - 1) == 1) {
      update.add(Slot::kSample, {term(move.keep, Slot::kSample), term(-0.5 * move.gain, m_before),
                                 term(-0.5 * move.gain, m)});
    } else {
      const double r = ratio_before(sigma(step.index - 2), sigma(step.index - 1), move.h);
      const CorrectorWeights rho = corrector_weights(r, move.h);
      const double history = rho.of_history / r;
      update.add(Slot::kSample,
                 {term(move.keep, Slot::kSample),
                  term(-move.gain * (1.0 - history - rho.of_new), m_before),
                  term(-move.gain * history, m_before_that), term(-move.gain * rho.of_new, m)});
    }
  } else {
    update.add(Slot::kSample, {{1.0f, Slot::kLatents}});
  }

  // Predictor: x' = keep * sample - gain * (m + D / 2), D = (m_before - m) / r.
  const Move move = move_between(step.sigma, step.sigma_next);
  if (order_at(step.index, completed) == 1) {
    update.add(Slot::kLatents, {term(move.keep, Slot::kSample), term(-move.gain, m)});
    return update;
  }
  const double half = 0.5 / ratio_before(sigma(step.index - 1), step.sigma, move.h);
  update.add(Slot::kLatents, {term(move.keep, Slot::kSample), term(-move.gain * (1.0 - half), m),
                              term(-move.gain * half, m_before)});
  return update;
}

}  // namespace reel::schedulers
