// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/preference.h"

#include <algorithm>
#include <array>

#include "checkpoint/component.h"

namespace reel::checkpoint {
namespace {

// Smaller is better. 8-bit weights of DiT and text encoder travel fastest; the VAE is small, so its
// widest numbers win.
int64_t preference(Network network, const std::string& precision) {
  static constexpr std::array kOrder = {"fp8", "int8", "bf16", "f16", "f32"};
  const int64_t place = std::ranges::find(kOrder, precision) - kOrder.begin();
  return network == Network::kVae || network == Network::kTae ? -place : place;
}

// Smaller is better: beside the full VAE a pruned one is not what is meant.
int64_t preferred_width(const Candidate& candidate) {
  if (candidate.network != Network::kVae) return 0;
  const auto* first = find_tensor(candidate, "decoder.conv1.weight");
  return first == nullptr || first->shape.axes() == 0 ? 0 : -first->shape[0];
}

// Qwen-Image's VAE has the tensors and shapes of Wan's; only its name tells them apart.
bool is_named_for_another(const Candidate& candidate) {
  const std::string name = candidate.path.filename().string();
  return name.find("qwen") != std::string::npos || name.find("Qwen") != std::string::npos;
}

}  // namespace

std::tuple<bool, int64_t, bool, int64_t> rank_of(const Candidate& candidate,
                                                 const std::string& variant) {
  const std::string precision = precision_of(candidate);
  return {is_named_for_another(candidate), preferred_width(candidate), precision != variant,
          preference(candidate.network, precision)};
}

}  // namespace reel::checkpoint
