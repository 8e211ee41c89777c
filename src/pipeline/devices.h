// SPDX-License-Identifier: Apache-2.0
// The words of --device.
#pragma once

#include <string>
#include <vector>

#include "schedulers/noise.h"

namespace reel::pipeline {

// The devices of "cuda:0,cuda:1", that of "cuda:0". Several are all GPUs, each named once, or all
// "cpu". Throws kInvalidArgument for other words and for more than 8.
std::vector<std::string> device_list(const std::string& devices);
// The first of them: where all but the DiT is computed.
std::string first_device(const std::string& devices);

// The GPU that `device` ("auto", "cuda", "cuda:1", "cpu") stands for; -1 for the CPU. "auto" takes
// the first GPU that can be used. Throws kInvalidArgument for other words.
int gpu_index(const std::string& device);

// Whose noise a seed gives there: that GPU's, or the default's on the CPU.
schedulers::GpuShape noise_gpu(const std::string& device);

}  // namespace reel::pipeline
