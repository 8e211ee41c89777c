// SPDX-License-Identifier: Apache-2.0
// A conversion that is killed, then run again.
#include <gtest/gtest.h>
#include <reel/synth.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "e2e/child.h"
#include "support/temp_folder.h"

namespace reel::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

TEST(ConvertProgram, MakesTheSlabAfterItWasKilled) {
  const TempFolder folder;
  synthesize({.out = folder / "model", .t5_vocab = 200'000, .sparse = true});
  const Command convert{.args = {"convert", "model"}, .folder = folder.path()};
  const fs::path slab = folder / "model/distill_fp8/reel.slab";
  {
    Child child(convert);
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!fs::exists(slab.string() + ".partial") && child.is_running() &&
           std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(1ms);
    }
    child.send(SIGKILL);
    child.wait(20s);
  }

  const Outcome again = run_program(convert);

  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, "model/distill_fp8/reel.slab\n");
  EXPECT_FALSE(fs::exists(slab.string() + ".partial"));
  EXPECT_FALSE(fs::exists(slab.string() + ".partial.journal"));
  Command verify = convert;
  verify.args.emplace_back("--verify");
  EXPECT_EQ(run_program(verify).exit_code, 0);
}

TEST(ConvertProgram, PrintsWhatItDid) {
  const TempFolder folder;
  synthesize({.out = folder / "model"});
  const Command convert{.args = {"convert", "model", "--out", "m.slab", "--json"},
                        .folder = folder.path()};

  const std::string first = run_program(convert).out;
  const std::string second = run_program(convert).out;

  EXPECT_NE(first.find("\"was_there\": false"), std::string::npos) << first;
  EXPECT_NE(first.find("\"path\": \"m.slab\""), std::string::npos) << first;
  EXPECT_NE(second.find("\"was_there\": true"), std::string::npos) << second;
}

}  // namespace
}  // namespace reel::test
