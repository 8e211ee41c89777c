// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/lower_case.h"
#include "checkpoint/evidence.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

namespace fs = std::filesystem;
using formats::quoted;
using formats::quoted_name;

// The word that says "distilled" in `text`, or null.
const char* distilled_word(const std::string& text) {
  static constexpr std::array kWords = {"distill", "4step",    "4-step",
                                        "4_step",  "lightx2v", "denoising_step_list"};
  const std::string small = lower_case(text);
  const auto found = std::ranges::find_if(
      kWords, [&](const char* word) { return small.find(word) != std::string::npos; });
  return found == kWords.end() ? nullptr : *found;
}

// The names under which the undistilled models are published.
bool is_name_of_base(const std::string& text) {
  static constexpr std::array kNames = {"wan2.1-t2v-14b",  "wan2.1_t2v_14b",  "wan2_1-t2v-14b",
                                        "wan2.1-t2v-1.3b", "wan2.1_t2v_1.3b", "wan2_1-t2v-1_3b"};
  const std::string small = lower_case(text);
  return std::ranges::any_of(
      kNames, [&](const char* name) { return small.find(name) != std::string::npos; });
}

std::optional<FoundVerdict> from_metadata(const std::map<std::string, std::string>& metadata,
                                          const std::string& where) {
  constexpr size_t kMostLetters = 4096;
  for (const auto& [key, value] : metadata) {
    if (value.size() > kMostLetters) continue;
    if (key == "checkpoint_kind" && (value == "base" || value == "distilled")) {
      return FoundVerdict{value == "base" ? Verdict::kBase : Verdict::kDistilled,
                          str_cat(where, " says checkpoint_kind = ", value)};
    }
    if (distilled_word(value) != nullptr) {
      return FoundVerdict{Verdict::kDistilled,
                          str_cat(where, " says ", quoted_name(key), " = ", quoted_name(value))};
    }
  }
  return std::nullopt;
}

std::optional<FoundVerdict> from_json(const fs::path& path) {
  constexpr uint64_t kMostBytes = uint64_t{1} << 20;
  if (path.empty()) return std::nullopt;
  const char* word = distilled_word(read_text_file(path, kMostBytes));
  if (word == nullptr) return std::nullopt;
  return FoundVerdict{Verdict::kDistilled, str_cat(quoted(path), " contains \"", word, '"')};
}

// The file, its folder and the folder above it, nearest first. In the hub's cache the name of the
// repository stands one higher.
std::vector<std::string> names_of(const Candidate& dit) {
  std::error_code ignored;
  fs::path at = fs::absolute(dit.path, ignored).lexically_normal();
  std::vector<std::string> names;
  constexpr size_t kMostNames = 3;
  for (; at.has_relative_path(); at = at.parent_path()) {
    const std::string name = at.filename().string();
    if (names.size() < kMostNames || name.starts_with("models--")) names.push_back(name);
    if (names.size() > kMostNames + 1) break;
  }
  return names;
}

std::optional<FoundVerdict> from_names(const Candidate& dit) {
  for (const std::string& name : names_of(dit)) {
    if (distilled_word(name) != nullptr) {
      return FoundVerdict{Verdict::kDistilled, str_cat("the name ", quoted_name(name), " says so")};
    }
    if (is_name_of_base(name)) {
      return FoundVerdict{Verdict::kBase,
                          str_cat(quoted_name(name), " is the name of the undistilled model")};
    }
  }
  return std::nullopt;
}

std::optional<FoundVerdict> from_loras(const OpenOptions& options) {
  for (const LoraChoice& lora : options.loras) {
    if (lora.strength == 0) continue;
    std::string reason = why_it_distils(lora.path);
    if (!reason.empty()) return FoundVerdict{Verdict::kDistilled, std::move(reason)};
  }
  return std::nullopt;
}

std::optional<FoundVerdict> from_files(const Candidate& dit) {
  const auto& first = *dit.files[0]->tensors;
  return from_metadata(first.metadata(), str_cat("the metadata of ", quoted(first.path())));
}

}  // namespace

std::string why_it_distils(const fs::path& lora) {
  const fs::path name = lora.filename();
  if (distilled_word(name.string()) == nullptr) return "";
  return str_cat("the LoRA ", quoted(name), " distils it");
}

FoundVerdict find_verdict(const OpenOptions& options, const std::optional<Candidate>& dit,
                          const fs::path& config) {
  if (options.kind) return {*options.kind, "the checkpoint kind was given"};
  std::optional<FoundVerdict> found;
  if (dit) {
    found = from_files(*dit);
    if (!found) found = from_metadata(dit->index_metadata, "the index");
  }
  if (!found) found = from_json(config);
  std::optional<FoundVerdict> named = dit && !found ? from_names(*dit) : std::nullopt;
  if (named && named->verdict == Verdict::kDistilled) found = named;
  // A LoRA turns the base model that a name tells of into a distilled one.
  if (!found) found = from_loras(options);
  if (!found) found = named;
  if (found) return *found;
  return {Verdict::kDistilled,
          "no evidence was found, so it is taken for distilled (--checkpoint-kind base changes "
          "that)"};
}

}  // namespace reel::checkpoint
