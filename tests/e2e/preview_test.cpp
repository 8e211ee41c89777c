// SPDX-License-Identifier: Apache-2.0
// What --preview and `reel scout` show of clips of the demo model.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <set>
#include <sstream>

#include "e2e/answers.h"
#include "media/png_encoder.h"
#include "support/temp_folder.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

constexpr int kSidePx = 128;  // of the demo model's frames
constexpr int kGapPx = 4;

media::Frame read_png(const fs::path& path) {
  const std::string bytes = read_all(path);
  return media::decode_png(std::as_bytes(std::span(bytes)));
}

Command demo(const TempFolder& folder, const std::vector<std::string>& args) {
  Command command;
  command.args = args;
  command.folder = folder.path();
  return command;
}

struct Sums {
  double count = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;

  void add(double a, double b) {
    count += 1, x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
  }
  double correlation() const {
    return (count * xy - x * y) / std::sqrt((count * xx - x * x) * (count * yy - y * y));
  }
};

// How the picture at that place of a sheet and a frame of the clip go together, over all pixels
// and colours; `mirrored`: the frame's left and right exchanged.
double likeness(const media::Frame& sheet, int row, int col, const media::Frame& frame,
                bool mirrored) {
  Sums sums;
  for (int y = 0; y < kSidePx; ++y) {
    for (int x = 0; x < kSidePx; ++x) {
      const int top = row * (kSidePx + kGapPx) + y;
      const int left = col * (kSidePx + kGapPx) + x;
      const int from = mirrored ? kSidePx - 1 - x : x;
      for (int part = 0; part < 3; ++part) {
        sums.add(sheet.rgb[static_cast<size_t>((top * sheet.width_px + left) * 3 + part)],
                 frame.rgb[static_cast<size_t>((y * kSidePx + from) * 3 + part)]);
      }
    }
  }
  return sums.correlation();
}

TEST(PreviewPage, ItsCommandsRun) {
  const TempFolder folder;
  std::ifstream page(REEL_PREVIEW_PAGE);
  int commands = 0;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("reel ")) continue;
    std::istringstream words(line);
    std::string word;
    words >> word;
    std::vector<std::string> args;
    while (words >> std::quoted(word)) args.push_back(word);
    expect_ok(demo(folder, args));
    ++commands;
  }
  EXPECT_EQ(commands, 4);
  for (const char* made :
       {"star.mp4", "seen/step-1.png", "sharper/step-4.png", "seen/step-4.png", "scout-40.png"}) {
    EXPECT_TRUE(fs::exists(folder / made)) << made;
  }
}

TEST(Preview, LooksLikeTheClipAfterEveryStep) {
  const TempFolder folder;
  expect_ok(demo(folder, {"generate", "--prompt", "a yellow star moves left over a night sky",
                          "--seed", "3", "--out", "frames", "--preview", "seen-{seed}"}));

  int steps = 0;
  for (const auto& entry : fs::directory_iterator(folder / "seen-3")) {
    steps += entry.path().extension() == ".png" ? 1 : 0;
  }
  EXPECT_EQ(steps, 4);
  // Latent frames 0, 1, 3, 4, 6 and 8 of 9; the last frame that each stands for.
  const int shown[] = {0, 4, 12, 16, 24, 32};
  for (const auto& [step, least] : {std::pair(2, 0.6), {3, 0.75}, {4, 0.75}}) {
    const media::Frame sheet = read_png(folder / ("seen-3/step-" + std::to_string(step) + ".png"));
    ASSERT_EQ(sheet.width_px, 3 * kSidePx + 2 * kGapPx);
    ASSERT_EQ(sheet.height_px, 2 * kSidePx + kGapPx);
    for (int at = 1; at < 6; ++at) {
      char name[32];
      std::snprintf(name, sizeof name, "frames/frame-%04d.png", shown[at] + 1);
      const media::Frame frame = read_png(folder / name);
      const double like = likeness(sheet, at / 3, at % 3, frame, false);
      EXPECT_GT(like, least) << "step " << step << ", " << name;
      EXPECT_GT(like, likeness(sheet, at / 3, at % 3, frame, true));
    }
  }
}

TEST(Preview, ChangesNoByteOfTheClip) {
  const TempFolder folder;
  expect_ok(demo(folder, {"generate", "--prompt", "a red ball grows over the sea", "--seed", "3",
                          "--out", "with.y4m", "--preview", "seen"}));
  expect_ok(demo(folder, {"generate", "--prompt", "a red ball grows over the sea", "--seed", "3",
                          "--out", "without.y4m"}));
  EXPECT_EQ(read_all(folder / "with.y4m"), read_all(folder / "without.y4m"));
}

TEST(Preview, OfDenoiseIsThatOfGenerate) {
  const TempFolder folder;
  const std::string prompt = "a blue heart rises over a meadow";
  expect_ok(demo(folder, {"generate", "--prompt", prompt, "--seed", "5", "--out", "clip.y4m",
                          "--preview", "whole"}));
  expect_ok(demo(folder, {"encode-text", "--prompt", prompt, "--out", "t.safetensors"}));
  expect_ok(demo(folder, {"denoise", "--text", "t.safetensors", "--seed", "5", "--out",
                          "z.safetensors", "--preview", "alone"}));
  for (const char* name : {"step-1.png", "step-4.png"}) {
    EXPECT_EQ(read_all(folder / "whole" / name), read_all(folder / "alone" / name));
  }
}

// What follows "--resume " in the line of that seed.
std::string job_of(const Outcome& scouted, int seed) {
  const std::string before = "seed " + std::to_string(seed) + ": reel generate --resume ";
  const size_t at = scouted.out.find(before);
  if (at == std::string::npos) return "";
  const size_t from = at + before.size();
  return scouted.out.substr(from, scouted.out.find('\n', from) - from);
}

TEST(Scout, TheChosenSeedIsContinuedToTheSameBytes) {
  const TempFolder folder;
  const std::string prompt = "a green square moves up over the sea";
  const Outcome scouted = expect_ok(demo(folder, {"scout", "--prompt", prompt, "--seed", "6",
                                                  "--seeds", "3", "--out", "clip-{seed}.y4m"}));

  ASSERT_TRUE(scouted.out.starts_with("scout-6.png\n")) << scouted.out;
  const media::Frame sheet = read_png(folder / "scout-6.png");
  EXPECT_EQ(sheet.width_px, 4 * kSidePx + 3 * kGapPx);  // a row of four frames for each seed
  EXPECT_EQ(saved_jobs(folder.path()).size(), 3u);
  const std::string job = job_of(scouted, 7);
  ASSERT_FALSE(job.empty()) << scouted.out;
  expect_ok(demo(folder, {"generate", "--resume", job}));
  expect_ok(demo(folder, {"generate", "--prompt", prompt, "--seed", "7", "--out", "plain.y4m"}));

  EXPECT_EQ(read_all(folder / "clip-7.y4m"), read_all(folder / "plain.y4m"));
  EXPECT_FALSE(fs::exists(folder / "clip-6.y4m"));
}

TEST(Scout, AnswersAsJson) {
  const TempFolder folder;
  Command command = demo(folder, {"scout", "--prompt-file", "-", "--seed", "1", "--seeds", "2",
                                  "--look-after", "2", "--sheet", "s.png", "--json"});
  command.input = "a red ball";
  const auto made = answer(command);
  EXPECT_EQ(made.at("sheet"), "s.png");
  ASSERT_EQ(made.at("seeds").size(), 2u);
  EXPECT_EQ(made["seeds"][1].at("seed"), 2);
  std::set<std::string> jobs{made["seeds"][0].at("job"), made["seeds"][1].at("job")};
  const std::vector<std::string> saved = saved_jobs(folder.path());
  EXPECT_EQ(jobs, std::set<std::string>(saved.begin(), saved.end()));
}

}  // namespace
}  // namespace reel::test
