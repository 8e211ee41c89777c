// SPDX-License-Identifier: Apache-2.0
// Predictions for cards, as people and programs read them.
#pragma once

#include <reel/doctor.h>

#include <string>
#include <vector>

namespace reel::cli {

std::string card_table(const std::vector<CardPrediction>& predictions);
std::string card_json(const std::vector<CardPrediction>& predictions);

}  // namespace reel::cli
