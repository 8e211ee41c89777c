// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_alternatives.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"

namespace reel::pipeline {
namespace {

using memory::Budget;
using Kind = PlanAlternative::Kind;

constexpr int64_t kFewestFrames = 17;
constexpr int64_t kSmallestHeight = 240;
// What Wan2.1 was trained at: long and short side.
constexpr std::pair<int64_t, int64_t> kTrainedSizes[] = {{832, 480}, {1280, 720}};
constexpr int64_t kTrainedFrames = 81;
constexpr int64_t kSideStep = 16;
constexpr uint64_t kCardStep = uint64_t{1} << 30;
constexpr uint64_t kMostCardBytes = uint64_t{256} << 30;

uint64_t whole_gib(uint64_t bytes) { return (bytes + kCardStep / 2) / kCardStep; }

int64_t pixels_of(const VideoSize& video) { return video.width_px * video.height_px; }

std::optional<PlanAlternative> fewer_frames(const ClipPlanner& planner, const ClipSize& clip,
                                            const Budget& budget) {
  // In steps of 4 from kFewestFrames up: `low` fits, `high` does not.
  ClipSize tried = clip;
  const auto step_fits = [&](int64_t step) {
    tried.video.frames = kFewestFrames + 4 * step;
    return planner.fits(tried, budget);
  };
  int64_t low = 0;
  int64_t high = (clip.video.frames - kFewestFrames) / 4;
  if (high <= 0 || !step_fits(low)) return std::nullopt;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (step_fits(middle) ? low : high) = middle;
  }
  tried.video.frames = kFewestFrames + 4 * low;
  return PlanAlternative{.kind = Kind::kFrames, .video = tried.video};
}

std::optional<PlanAlternative> smaller_size(const ClipPlanner& planner, const ClipSize& clip,
                                            const Budget& budget) {
  const VideoSize& video = clip.video;
  ClipSize tried = clip;
  // The next size that these models were trained at, then any of the same proportions.
  const bool is_wide = video.width_px >= video.height_px;
  const auto [long_side, short_side] = kTrainedSizes[0];
  tried.video.width_px = is_wide ? long_side : short_side;
  tried.video.height_px = is_wide ? short_side : long_side;
  const bool is_smaller = pixels_of(tried.video) < pixels_of(video);
  if (is_smaller && planner.fits(tried, budget)) {
    return PlanAlternative{.kind = Kind::kSize, .video = tried.video};
  }
  for (int64_t height = video.height_px - kSideStep; height >= kSmallestHeight;
       height -= kSideStep) {
    const double width = static_cast<double>(video.width_px) * static_cast<double>(height) /
                         static_cast<double>(video.height_px);
    tried.video.height_px = height;
    tried.video.width_px =
        std::max(kSideStep, static_cast<int64_t>(std::lround(width / kSideStep)) * kSideStep);
    if (planner.fits(tried, budget))
      return PlanAlternative{.kind = Kind::kSize, .video = tried.video};
  }
  return std::nullopt;
}

std::optional<PlanAlternative> least_card(const ClipPlanner& planner, const ClipSize& clip,
                                          const Budget& budget) {
  // Another card has nothing to do with what is free on this one.
  const ClipPlanner elsewhere = planner.on_empty_card();
  for (uint64_t card = kCardStep; card <= kMostCardBytes; card += kCardStep) {
    if (elsewhere.fits(clip, {.card_bytes = card, .ram_bytes = budget.ram_bytes})) {
      return PlanAlternative{.kind = Kind::kCard, .video = clip.video, .card_bytes = card};
    }
  }
  return std::nullopt;
}

std::optional<PlanAlternative> smaller_files(const ClipPlanner& planner, const ClipSize& clip,
                                             const Budget& budget) {
  if (!planner.with_8bit_files().fits(clip, budget)) return std::nullopt;
  return PlanAlternative{.kind = Kind::kFiles, .video = clip.video};
}

}  // namespace

std::string PlanAlternative::what() const {
  switch (kind) {
    case Kind::kFrames: return str_cat(video.frames, " frames");
    case Kind::kSize: return str_cat(video.width_px, " wide x ", video.height_px, " high");
    case Kind::kCard: return str_cat("a card of ", whole_gib(card_bytes), " GiB");
    case Kind::kFiles: return "the FP8 or INT8 files of this model";
  }
  return {};
}

std::string PlanAlternative::text() const {
  switch (kind) {
    case Kind::kFrames: return str_cat(what(), " (--frames ", video.frames, ')');
    case Kind::kSize:
      return str_cat(what(), " (--size ", video.width_px, 'x', video.height_px, ')');
    case Kind::kCard: return str_cat(what(), " (--vram ", whole_gib(card_bytes), "GiB)");
    case Kind::kFiles: return what();
  }
  return {};
}

std::vector<PlanAlternative> find_alternatives(const ClipPlanner& planner, const ClipSize& clip,
                                               const Budget& budget) {
  std::vector<PlanAlternative> all;
  const auto add = [&](const std::optional<PlanAlternative>& found) {
    if (found) all.push_back(*found);
  };
  if (planner.can_change_size()) {
    add(fewer_frames(planner, clip, budget));
    add(smaller_size(planner, clip, budget));
  }
  add(least_card(planner, clip, budget));
  add(smaller_files(planner, clip, budget));
  return all;
}

std::vector<PlanAlternative> what_else_fits(const ClipPlanner& planner, const ClipSize& clip,
                                            const Budget& budget) {
  std::vector<PlanAlternative> all;
  ClipSize longer = clip;
  longer.video.frames = kTrainedFrames;
  if (clip.video.frames < kTrainedFrames && planner.fits(longer, budget)) {
    all.push_back({.kind = Kind::kFrames, .video = longer.video});
  }
  ClipSize larger = clip;
  const bool is_wide = clip.video.width_px >= clip.video.height_px;
  for (const auto& [long_side, short_side] : kTrainedSizes) {
    larger.video.width_px = is_wide ? long_side : short_side;
    larger.video.height_px = is_wide ? short_side : long_side;
    if (pixels_of(larger.video) <= pixels_of(clip.video)) continue;
    if (planner.fits(larger, budget)) all.push_back({.kind = Kind::kSize, .video = larger.video});
    break;
  }
  if (const auto card = least_card(planner, clip, budget)) all.push_back(*card);
  return all;
}

}  // namespace reel::pipeline
