// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompt_cache.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "formats/tensor_file.h"
#include "pipeline/latent_check.h"
#include "pipeline/stage_files.h"

namespace reel::pipeline {
namespace {

namespace fs = std::filesystem;

// Rises when an entry's form changes, or the numbers of the text encoder for the same key.
constexpr const char* kVersion = "reel text states 2";
constexpr const char* kEnding = ".safetensors";
// Headers and metadata beside the states.
constexpr uint64_t kMostOverheadBytes = 4096;

void add_text(Digest& digest, const std::string& text) {
  const uint64_t size = text.size();
  digest.add(std::as_bytes(std::span(&size, 1)));
  digest.add(std::as_bytes(std::span(text)));
}

void add_file(Digest& digest, const formats::TensorFile& file) {
  std::error_code error;
  const fs::path path = fs::weakly_canonical(file.path(), error);
  add_text(digest, error ? file.path().string() : path.string());
  const auto changed = fs::last_write_time(file.path(), error).time_since_epoch().count();
  add_text(digest, std::to_string(file.file_size_bytes()) + ' ' + std::to_string(changed));
  for (const formats::TensorEntry& entry : file.entries()) {
    add_text(digest,
             str_cat(entry.name, ' ', entry.dtype, ' ', entry.shape, ' ', entry.offset_bytes));
  }
}

std::string digest_of(const Tensor& states) {
  return digest_hex({states.bytes().data(), static_cast<size_t>(states.view().size_bytes())});
}

std::string value_of(const StageFile& file, const char* name) {
  const auto found = file.metadata.find(name);
  return found == file.metadata.end() ? std::string() : found->second;
}

// Throws kBadFile for what was not written here under this key.
PromptCache::Entry read_entry(const fs::path& path, const std::string& key, int64_t rows,
                              int64_t width) {
  const uint64_t most_bytes = static_cast<uint64_t>(rows * width) * sizeof(float);
  REEL_REQUIRE(fs::file_size(path) <= most_bytes + kMostOverheadBytes, kBadFile, "it is too large");
  StageFile file = read_stage_file(path);
  REEL_REQUIRE(value_of(file, "version") == kVersion && value_of(file, "key") == key, kBadFile,
               "it is of another prompt or version");
  Tensor states = take_f32(file, "text_states", path);
  REEL_REQUIRE((states.shape() == Shape{rows, width}), kBadFile, "its states have another shape");
  REEL_REQUIRE(value_of(file, "digest") == digest_of(states), kBadFile,
               "its states are not those that were written");
  REEL_REQUIRE(all_finite(states.values<float>()), kBadFile, "its states are not finite");
  return {.states = std::move(states), .weights_digest = value_of(file, "weights")};
}

}  // namespace

PromptCache::PromptCache(fs::path folder, Remark remark, uint64_t most_bytes)
    : folder_(std::move(folder)), remark_(std::move(remark)), most_bytes_(most_bytes) {}

std::string PromptCache::key(std::span<const int32_t> ids,
                             const checkpoint::Component& text_encoder,
                             const std::string& numbers) {
  Digest digest;
  add_text(digest, kVersion);
  add_text(digest, numbers);
  std::set<fs::path> seen;
  for (const auto& [name, stored] : text_encoder.tensors) {
    add_text(digest, str_cat(name, ' ', stored.entry->name));
    if (seen.insert(stored.file->path()).second) add_file(digest, *stored.file);
    if (stored.scale_file != nullptr && seen.insert(stored.scale_file->path()).second) {
      add_file(digest, *stored.scale_file);
    }
  }
  digest.add(std::as_bytes(ids));
  return digest.hex();
}

fs::path PromptCache::file_of(const std::string& key) const { return folder_ / (key + kEnding); }

std::optional<PromptCache::Entry> PromptCache::find(const std::string& key, int64_t rows,
                                                    int64_t width) const {
  const fs::path path = file_of(key);
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  try {
    Entry entry = read_entry(path, key, rows, width);
    fs::last_write_time(path, fs::file_time_type::clock::now(), error);  // used last
    return entry;
  } catch (const std::exception& what) {  // fs's errors too
    remark_(
        str_cat("The cached text states \"", path.string(), "\" are left aside: ", what.what()));
    fs::remove(path, error);
    return std::nullopt;
  }
}

void PromptCache::store(const std::string& key, const Tensor& states,
                        const std::string& weights_digest) const {
  const fs::path path = file_of(key);
  try {
    fs::create_directories(folder_);
    StageFile file;
    Tensor copy(DType::kF32, states.shape());
    std::memcpy(copy.bytes().data(), states.bytes().data(),
                static_cast<size_t>(states.view().size_bytes()));
    file.metadata = {{"version", kVersion},
                     {"key", key},
                     {"weights", weights_digest},
                     {"digest", digest_of(copy)}};
    file.add("text_states", std::move(copy));
    write_stage_file(path, file);
    remove_oldest();
  } catch (const std::exception& what) {
    remark_(str_cat("Text states cannot be kept in \"", folder_.string(), "\": ", what.what()));
  }
}

void PromptCache::remove_oldest() const {
  struct Kept {
    fs::file_time_type used;
    uint64_t bytes;
    fs::path path;
  };
  std::vector<Kept> all;
  uint64_t bytes = 0;
  for (const auto& file : fs::directory_iterator(folder_)) {
    std::error_code error;
    if (file.path().extension() != kEnding || !file.is_regular_file(error)) continue;
    const auto used = file.last_write_time(error);
    const uint64_t size = error ? 0 : file.file_size(error);
    if (error) continue;  // another program has removed it
    all.push_back({.used = used, .bytes = size, .path = file.path()});
    bytes += size;
  }
  std::ranges::sort(all, {}, &Kept::used);
  for (const Kept& one : all) {
    if (bytes <= most_bytes_) return;
    std::error_code error;
    fs::remove(one.path, error);
    bytes -= one.bytes;
  }
}

}  // namespace reel::pipeline
