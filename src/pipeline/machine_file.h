// SPDX-License-Identifier: Apache-2.0
// What `reel bench` measured of this machine's GPUs, for plans: a small JSON file in the user's
// cache folder. It decides predicted times and nothing else.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "memory/budget.h"

namespace reel::pipeline {

std::filesystem::path machine_file();

// Adds the rates of this GPU, or replaces them; e4m3_attention_ops of 0 keeps what was measured
// earlier. Throws kIo.
void save_rates(const std::filesystem::path& file, const std::string& gpu_name,
                const memory::Rates& rates);
// Nothing when the GPU was not measured, or the file is not one of ours.
std::optional<memory::Rates> saved_rates(const std::filesystem::path& file,
                                         const std::string& gpu_name);

// A machine with this GPU: at the rates that were measured on it, else at assumed ones.
memory::Machine machine_with(const std::string& gpu_name);

}  // namespace reel::pipeline
