// SPDX-License-Identifier: Apache-2.0
#include "pipeline/preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "media/png_encoder.h"
#include "support/temp_folder.h"
#include "unit/pipeline/counting_latents.h"

namespace reel::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Channel 0 is grey, the others show nothing.
class Watcher : public Progress {
 public:
  void on_preview(const Preview& preview) override {
    steps.push_back(preview.step);
    last = media::Frame(preview.height_px, preview.width_px);
    std::copy_n(preview.rgb, last.rgb.size(), last.rgb.begin());
  }
  void on_warning(std::string_view text) override { warnings.emplace_back(text); }

  std::vector<int> steps;
  std::vector<std::string> warnings;
  media::Frame last;
};

media::Frame read_png(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return media::decode_png(std::as_bytes(std::span(bytes)));
}

TEST(Previews, AreShownAndWrittenAfterEachStep) {
  const test::TempFolder folder;
  Watcher watcher;
  PreviewPainter painter(test::kGrey);
  Previews previews(painter, folder / "seen", watcher);
  const Tensor latents = test::counting_latents(4, 3, 5);

  previews.show(latents, 1, 2);
  previews.show(latents, 2, 2);

  EXPECT_THAT(watcher.steps, ElementsAre(1, 2));
  EXPECT_EQ(watcher.last.width_px, 3 * 40 + 2 * 4);  // three of the four frames in the first row
  EXPECT_EQ(watcher.last.height_px, 2 * 24 + 4);
  EXPECT_EQ(read_png(folder / "seen/step-1.png").rgb, watcher.last.rgb);
  EXPECT_EQ(read_png(folder / "seen/step-2.png").rgb, watcher.last.rgb);
  EXPECT_THAT(watcher.warnings, IsEmpty());
}

TEST(Previews, WithoutAFolderAreOnlyShown) {
  Watcher watcher;
  PreviewPainter painter(test::kGrey);
  Previews previews(painter, "", watcher);
  previews.show(test::counting_latents(1, 1, 1), 1, 1);
  EXPECT_THAT(watcher.steps, ElementsAre(1));
  EXPECT_THAT(watcher.warnings, IsEmpty());
}

TEST(Previews, ThatCannotBeWrittenAreOneWarning) {
  const test::TempFolder folder;
  std::ofstream(folder / "file") << "x";
  Watcher watcher;
  PreviewPainter painter(test::kGrey);
  Previews previews(painter, folder / "file/below", watcher);

  previews.show(test::counting_latents(1, 1, 1), 1, 2);
  previews.show(test::counting_latents(1, 1, 1), 2, 2);

  ASSERT_THAT(watcher.warnings, SizeIs(1));
  EXPECT_TRUE(watcher.warnings[0].starts_with("No more previews: ")) << watcher.warnings[0];
  EXPECT_THAT(watcher.steps, ElementsAre(1, 2));
}

}  // namespace
}  // namespace reel::pipeline
