// SPDX-License-Identifier: Apache-2.0
// One exchange that every communicator must get right.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "comm/communicator.h"

namespace reel::test {

inline std::vector<comm::Piece> pieces_of(std::vector<std::vector<int>>& numbers) {
  std::vector<comm::Piece> pieces;
  for (std::vector<int>& one : numbers) pieces.push_back({one.data(), one.size() * sizeof(int)});
  return pieces;
}

// Rank a sends (2 a + b) % 5 numbers to rank b, each 100 a + 10 b + round, and writes over them at
// once. On host memory.
inline void expect_every_piece(comm::Communicator& ranks, int round, Stream stream = {}) {
  const auto count_of = [](int from, int to) { return static_cast<size_t>((2 * from + to) % 5); };
  const int me = ranks.rank();
  std::vector<std::vector<int>> sent;
  std::vector<std::vector<int>> got;
  for (int other = 0; other < ranks.size(); ++other) {
    sent.emplace_back(count_of(me, other), 100 * me + 10 * other + round);
    got.emplace_back(count_of(other, me), -1);
  }
  ranks.all_to_all(pieces_of(sent), pieces_of(got), host_memory(), stream);
  for (auto& numbers : sent) std::fill(numbers.begin(), numbers.end(), -2);
  for (int other = 0; other < ranks.size(); ++other) {
    const std::vector<int> want(count_of(other, me), 100 * other + 10 * me + round);
    EXPECT_EQ(got[static_cast<size_t>(other)], want) << "from " << other << " to " << me;
  }
}

}  // namespace reel::test
