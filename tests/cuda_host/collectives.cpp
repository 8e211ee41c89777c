// SPDX-License-Identifier: Apache-2.0
// Shuffles, votes and ldmatrix: PTX ISA, "shfl.sync", "vote.sync", "ldmatrix".
#include <cstring>
#include <iterator>

#include "cuda_host/machine.h"
#include "cuda_host/shared_memory.h"
#include "cuda_host/warps.h"

namespace reel::cuda_host {
namespace {

struct ShuffleArgs {
  Shuffle kind;
  int operand;
  uint32_t value;
  uint32_t result;
};

int source_lane(const ShuffleArgs& args, int lane) {
  switch (args.kind) {
    case Shuffle::kXor: return lane ^ args.operand;
    case Shuffle::kFrom: return args.operand & (kLanes - 1);
    case Shuffle::kDown: return lane + args.operand;
    case Shuffle::kUp: return lane - args.operand;
  }
  return lane;
}

void perform_shuffle(void** all, int lanes) {
  for (int lane = 0; lane < lanes; ++lane) {
    ShuffleArgs& args = *static_cast<ShuffleArgs*>(all[lane]);
    int from = source_lane(args, lane);
    if (from < 0 || from >= kLanes) from = lane;
    if (from >= lanes) {
      fault(Text() << "shuffles in a warp of " << lanes << " threads: lane " << lane
                   << " wants the value of lane " << from);
    }
    args.result = static_cast<ShuffleArgs*>(all[from])->value;
  }
}

struct BallotArgs {
  bool value;
  uint32_t result;
};

void perform_ballot(void** all, int lanes) {
  uint32_t result = 0;
  for (int lane = 0; lane < lanes; ++lane) {
    if (static_cast<BallotArgs*>(all[lane])->value) result |= 1u << lane;
  }
  for (int lane = 0; lane < lanes; ++lane) static_cast<BallotArgs*>(all[lane])->result = result;
}

struct LdmatrixArgs {
  Ldmatrix call;
  Site site;
};

void perform_ldmatrix(void** all, int lanes) {
  const auto call_of = [&](int lane) -> const LdmatrixArgs& {
    return *static_cast<const LdmatrixArgs*>(all[lane]);
  };
  for (int matrix = 0; matrix < call_of(0).call.matrices; ++matrix) {
    uint16_t elements[8][8];
    for (int row = 0; row < 8; ++row) {
      const LdmatrixArgs& from = call_of(matrix * 8 + row);
      read_matrix_row(from.call.row, row, from.call.transposed, from.site);
      std::memcpy(elements[row], from.call.row, sizeof elements[row]);
    }
    for (int lane = 0; lane < lanes; ++lane) {
      const Ldmatrix& to = call_of(lane).call;
      const int line = lane / 4;
      const int first = lane % 4 * 2;
      const uint16_t low = to.transposed ? elements[first][line] : elements[line][first];
      const uint16_t high = to.transposed ? elements[first + 1][line] : elements[line][first + 1];
      to.to[matrix] = low | static_cast<uint32_t>(high) << 16;
    }
  }
}

}  // namespace

uint32_t shuffle(Shuffle kind, uint32_t value, int operand, Site site) {
  static constexpr Collective kKinds[] = {{"shuffle_xor", false, perform_shuffle},
                                          {"shuffle", false, perform_shuffle},
                                          {"shuffle_down", false, perform_shuffle},
                                          {"shuffle_up", false, perform_shuffle}};
  ShuffleArgs args{.kind = kind, .operand = operand, .value = value, .result = 0};
  collective(kKinds[static_cast<size_t>(kind)], &args, site);
  return args.result;
}

uint32_t ballot(bool value, Site site) {
  static constexpr Collective kKind{"vote", false, perform_ballot};
  BallotArgs args{.value = value, .result = 0};
  collective(kKind, &args, site);
  return args.result;
}

void ldmatrix(const Ldmatrix& call, Site site) {
  static constexpr Collective kKind{"ldmatrix", true, perform_ldmatrix};
  LdmatrixArgs args{.call = call, .site = site};
  collective(kKind, &args, site);
}

}  // namespace reel::cuda_host
