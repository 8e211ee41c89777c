// SPDX-License-Identifier: Apache-2.0
// What memory is called, both by a plan and by what a run tells afterwards.
#pragma once

namespace reel::memory::tags {

inline constexpr const char* kFixedWeights = "fixed weights";
inline constexpr const char* kSetupWeights = "setup weights";
inline constexpr const char* kResidentBlocks = "resident blocks";
inline constexpr const char* kWindow = "window";
inline constexpr const char* kStaging = "staging";
inline constexpr const char* kActivations = "activations";
inline constexpr const char* kPrompt = "prompt keys and values";
inline constexpr const char* kTimeModulation = "time modulation";
inline constexpr const char* kPastFrames =
    "past frames";  // nn/frame_ring.cpp, which cannot see this
inline constexpr const char* kPreviewDecoder = "preview decoder";
inline constexpr const char* kLowFrames = "frames of the low levels";

}  // namespace reel::memory::tags
