// SPDX-License-Identifier: Apache-2.0
// Command-line flags of one command. CLI11 behind one file.
#pragma once

#include <reel/request.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"

namespace reel::cli {

class Flags {
 public:
  Flags(const char* command, const char* summary);
  ~Flags();
  Flags(const Flags&) = delete;
  Flags& operator=(const Flags&) = delete;

  // `name` as CLI11 writes it: "--steps", "-v,--verbose", or "MODEL" for a positional.
  void add(const std::string& name, std::string& value, const std::string& help);
  void add(const std::string& name, int& value, const std::string& help);
  void add(const std::string& name, std::optional<int>& value, const std::string& help);
  void add(const std::string& name, std::optional<float>& value, const std::string& help);
  void add(const std::string& name, std::optional<uint64_t>& value, const std::string& help);
  void add(const std::string& name, std::vector<int>& value, const std::string& help);
  void add(const std::string& name, std::vector<std::string>& value, const std::string& help);
  void add(const std::string& name, uint64_t& value, const std::string& help);
  void add(const std::string& name, int64_t& value, const std::string& help);
  // `take` gets the value; what it throws is the answer.
  using TakeText = std::function<void(const std::string&)>;
  void add_parsed(const std::string& name, const TakeText& take, const std::string& help);
  // The same, each time it is given.
  void add_each(const std::string& name, const TakeText& take, const std::string& help);
  // One value each time it is given.
  void add_repeated(const std::string& name, std::vector<std::string>& value,
                    const std::string& help);
  void add_switch(const std::string& name, bool& value, const std::string& help);
  void add_count(const std::string& name, int& value, const std::string& help);
  // Mark the last added flag.
  void required();
  void hidden();  // in --help
  // The flags between them have a title of their own in --help.
  void begin_group(const std::string& title);
  void end_group();

  // "832x480", "480p" or "720p".
  void add_size(SamplingOptions& sampling);
  // "12GiB"
  void add_bytes(const std::string& name, uint64_t& bytes, const std::string& help);
  // Groups that several commands share.
  void add_model(ModelOptions& options);
  // FILE or FILE:strength, as often as one likes.
  void add_loras(std::vector<LoraChoice>& loras);
  void add_trace(ModelOptions& options);
  void add_preview_decoder(ModelOptions& options);
  void add_sampling(SamplingOptions& options);
  // The same, but --seed takes a range too: it sets `count`, 0 where none was given.
  void add_sampling(SamplingOptions& options, int& count);
  void add_terminal(Terminal& terminal);

  // Throws kInvalidArgument naming the flag. True when --help was asked for and printed.
  bool parse(int argc, const char* const* argv, Terminal& terminal);

  // The first flag of the command line, as it was written, that is none of `names` ("out"). Empty
  // when there is none; a file's and the environment's settings do not count.
  std::string first_given_beside(std::initializer_list<std::string_view> names) const;

 private:
  void add_all_but_seed(SamplingOptions& options);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Without a folder for previews their decoder is left out, with a remark.
void drop_unseen_previews(const std::string& preview_dir, ModelOptions& options,
                          Terminal& terminal);

}  // namespace reel::cli
