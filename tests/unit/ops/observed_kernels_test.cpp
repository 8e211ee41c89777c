// SPDX-License-Identifier: Apache-2.0
#include "ops/observed_kernels.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace reel::ops {
namespace {

// Writes down what it sees.
class Notes : public OpObserver {
 public:
  int64_t begin(Stream) override {
    lines.emplace_back("begin");
    return 40 + static_cast<int64_t>(lines.size());
  }
  void end(int64_t ticket, const OpRecord& op, Stream) override {
    tickets.push_back(ticket);
    lines.emplace_back(op.op);
  }
  std::vector<std::string> lines;
  std::vector<int64_t> tickets;
};

TEST(ObservedKernels, AreCalledBetweenBeginAndEnd) {
  Notes notes;
  Kernels kernels{.backend = "toy"};
  kernels.add = [&](const AddArgs& args, Stream) {
    notes.lines.push_back("adds " + std::to_string(args.elements));
  };

  const Kernels watched = observed(kernels, notes);
  watched.add({.dtype = DType::kF32, .elements = 7}, {});

  EXPECT_EQ(notes.lines, (std::vector<std::string>{"begin", "adds 7", "add"}));
  EXPECT_EQ(notes.tickets, (std::vector<int64_t>{41}));
}

TEST(ObservedKernels, LeaveOutWhatTheBackendLacks) {
  Notes notes;
  const Kernels watched = observed(Kernels{.backend = "toy", .most_flops_per_call = 5}, notes);

  EXPECT_FALSE(watched.linear);
  EXPECT_STREQ(watched.backend, "toy");
  EXPECT_EQ(watched.most_flops_per_call, 5);
}

// Every entry under its own name: a kernel that was forgotten would be missing in traces.
TEST(ObservedKernels, AreAllOfThem) {
  Notes notes;
  const auto nothing = [](const auto&, Stream) {};
  Kernels k;
  k.linear = nothing;
  k.pack_matrix = nothing;
  k.quantise_rows = nothing;
  k.prepare_rows = nothing;
  k.add_delta = nothing;
  k.attention = nothing;
  k.quantise_queries = nothing;
  k.quantise_keys = nothing;
  k.prepare_values = nothing;
  k.int8_attention = nothing;
  k.expand_bias = nothing;
  k.layer_norm = nothing;
  k.rms_norm = nothing;
  k.gated_gelu = nothing;
  k.add = nothing;
  k.cast = nothing;
  k.l2_norm = nothing;
  k.pack_conv = nothing;
  k.conv = nothing;
  k.upsample2x = nothing;
  const Kernels w = observed(k, notes);

  w.linear({}, {});
  w.pack_matrix({}, {});
  w.quantise_rows({}, {});
  w.prepare_rows({}, {});
  w.add_delta({}, {});
  w.attention({}, {});
  w.quantise_queries({}, {});
  w.quantise_keys({}, {});
  w.prepare_values({}, {});
  w.int8_attention({}, {});
  w.expand_bias({}, {});
  w.layer_norm({}, {});
  w.rms_norm({}, {});
  w.gated_gelu({}, {});
  w.add({}, {});
  w.cast({}, {});
  w.l2_norm({}, {});
  w.pack_conv({}, {});
  w.conv({}, {});
  w.upsample2x({}, {});

  std::vector<std::string> names;
  for (const std::string& line : notes.lines) {
    if (line != "begin") names.push_back(line);
  }
  EXPECT_EQ(
      names,
      (std::vector<std::string>{
          "linear",      "pack_matrix",      "quantise_rows", "prepare_rows",   "add_delta",
          "attention",   "quantise_queries", "quantise_keys", "prepare_values", "int8_attention",
          "expand_bias", "layer_norm",       "rms_norm",      "gated_gelu",     "add",
          "cast",        "l2_norm",          "pack_conv",     "conv",           "upsample2x"}));
}

}  // namespace
}  // namespace reel::ops
