// SPDX-License-Identifier: Apache-2.0
// Text states of prompts that were encoded before, on disk: the same prompt again does not load the
// text encoder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "checkpoint/checkpoint.h"
#include "core/buffer.h"

namespace reel::pipeline {

class PromptCache {
 public:
  static constexpr uint64_t kMostBytes = uint64_t{256} << 20;
  using Remark = std::function<void(const std::string&)>;

  struct Entry {
    Tensor states;               // [ids, text_dim] f32
    std::string weights_digest;  // of the text encoder that made them
  };

  // `folder` is made when something is stored. Of more than `most_bytes` the entries that were used
  // longest ago are removed. `remark` hears one sentence about an entry that is no good.
  PromptCache(std::filesystem::path folder, Remark remark, uint64_t most_bytes = kMostBytes);

  // What decides the states' bytes: the prompt's ids, the files of the text encoder (places, sizes,
  // times of change, headers), and `numbers`, how and by which kernels it is computed. 32
  // hexadecimal digits; no word of the prompt.
  static std::string key(std::span<const int32_t> ids, const checkpoint::Component& text_encoder,
                         const std::string& numbers);

  // [rows, width] are the shape that the states must have. Nothing when there is no entry, or a
  // damaged one, which is removed. Never throws Error.
  std::optional<Entry> find(const std::string& key, int64_t rows, int64_t width) const;
  // Appears whole or not at all. A cache that cannot be written is a remark. Never throws Error.
  void store(const std::string& key, const Tensor& states, const std::string& weights_digest) const;

 private:
  std::filesystem::path file_of(const std::string& key) const;
  void remove_oldest() const;

  std::filesystem::path folder_;
  Remark remark_;
  uint64_t most_bytes_;
};

}  // namespace reel::pipeline
