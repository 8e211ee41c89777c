// SPDX-License-Identifier: Apache-2.0
#include "base/child_program.h"

#include <gtest/gtest.h>

#include <csignal>

#include "support/expect_error.h"

namespace reel {
namespace {

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

TEST(ChildProgram, ReadsWhatIsWrittenAndEnds) {
  const std::string text(1'000'000, 'x');
  ChildProgram child(shell("wc -c >&2; exit 7"));

  EXPECT_TRUE(child.write(text));
  EXPECT_EQ(child.finish(nullptr), 7);
  EXPECT_EQ(child.last_error_line(), "1000000");
}

TEST(ChildProgram, ThatReadsNoMoreIsNoSignal) {
  ChildProgram child(shell("exec <&-; sleep 0.1; exit 3"));
  const std::string text(1'000'000, 'x');
  bool is_open = true;
  for (int count = 0; count < 100 && is_open; ++count) is_open = child.write(text);

  EXPECT_FALSE(is_open);
  EXPECT_EQ(child.finish_within(std::chrono::seconds(30)), 3);
}

TEST(ChildProgram, EndedByASignal) {
  ChildProgram child(shell("kill -9 $$"));
  EXPECT_EQ(child.finish(nullptr), 128 + SIGKILL);
}

TEST(ChildProgram, ThatWritesMuchIsNotHeldUp) {
  ChildProgram child(shell("head -c 3000000 /dev/zero | tr '\\0' 'y' >&2; echo >&2; echo end >&2"));
  EXPECT_EQ(child.finish(nullptr), 0);
  EXPECT_EQ(child.last_error_line(), "end");
}

TEST(ChildProgram, NamesTheLastLineThatSaysSomething) {
  const std::vector<std::string> noise{"failed!"};
  ChildProgram child(shell("printf '[a @ 1] [error] cause\\n\\nfailed!\\n' >&2"));
  child.finish(nullptr);
  EXPECT_EQ(child.last_error_line(noise), "cause");
  EXPECT_EQ(child.last_error_line(), "failed!");

  ChildProgram only_noise(shell("echo failed! >&2"));
  only_noise.finish(nullptr);
  EXPECT_EQ(only_noise.last_error_line(noise), "failed!");
}

TEST(ChildProgram, IsLeftWhenTheCallerIsStopped) {
  StopFlag stop;
  stop.request();
  ChildProgram child(shell("exec sleep 600"));
  EXPECT_EQ(child.finish_within(std::chrono::milliseconds(20)), std::nullopt);
  EXPECT_REEL_ERROR(child.finish(&stop), kCancelled, "Stopped");
}

TEST(ChildProgram, IsInAProcessGroupOfItsOwn) {
  ChildProgram child(shell("test \"$(ps -o pgid= -p $$ | tr -d ' ')\" = $$"));
  EXPECT_EQ(child.finish(nullptr), 0);
}

TEST(ChildProgram, ThatIsNotThereIsAnIoError) {
  EXPECT_REEL_ERROR(ChildProgram({"/no/such/program"}), kIo, "Cannot start \"/no/such/program\"");
}

TEST(FindProgram, LooksOnThePath) {
  EXPECT_EQ(find_program("sh").value().filename(), "sh");
  EXPECT_EQ(find_program("no-such-program-anywhere"), std::nullopt);
}

}  // namespace
}  // namespace reel
