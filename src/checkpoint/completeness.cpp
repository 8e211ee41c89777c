// SPDX-License-Identifier: Apache-2.0
// Whether a network has all that it needs, and how to say what is missing.
#include <algorithm>
#include <charconv>
#include <set>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

using formats::quoted;
using formats::quoted_name;

// Far above any published network, far below what a damaged name may say.
constexpr int64_t kMostBlocks = 1000;
constexpr const char* kComplete = "Download what is missing, or give another copy of the model.";

std::set<int64_t> block_indexes(const Component& component, std::string_view prefix) {
  std::set<int64_t> indexes;
  for (auto at = component.tensors.lower_bound(prefix);
       at != component.tensors.end() && at->first.starts_with(prefix); ++at) {
    const char* begin = at->first.data() + prefix.size();
    const char* end = at->first.data() + at->first.size();
    int64_t index = 0;
    const auto read = std::from_chars(begin, end, index);
    REEL_REQUIRE(read.ec == std::errc{} && index < kMostBlocks, kBadFile,
                 str_cat(quoted(component.path), " has a tensor ", quoted_name(at->first),
                         "; block numbers below ", kMostBlocks, " are expected."),
                 "The file is damaged, or no model of Wan.");
    indexes.insert(index);
  }
  return indexes;
}

// "block_17.safetensors" and 2 more
std::string absent_list(const Component& component) {
  const size_t count = component.absent_files.size();
  std::string text = quoted_name(component.absent_files[0]);
  return count > 1 ? str_cat(text, " and ", count - 1, " more files of its index") : text;
}

// Where a tensor of block `block` would be, told from where those of other blocks are: the name of
// their file with the number exchanged.
std::string likely_file(const Component& component, const std::string& prefix, int64_t block) {
  for (auto at = component.tensors.lower_bound(prefix);
       at != component.tensors.end() && at->first.starts_with(prefix); ++at) {
    int64_t index = 0;
    std::from_chars(at->first.data() + prefix.size(), at->first.data() + at->first.size(), index);
    const std::string name = at->second.file->path().filename().string();
    const std::string theirs = "block_" + std::to_string(index) + '.';
    if (!name.starts_with(theirs)) return {};
    return "block_" + std::to_string(block) + '.' + name.substr(theirs.size());
  }
  return {};
}

[[noreturn]] void fail_absent(const Component& component, const std::string& counted) {
  fail(ErrorCode::kNotFound,
       str_cat(quoted(component.path), " has no ", absent_list(component), counted, '.'),
       kComplete);
}

// The shape in files that drop leading axes of extent 1, as some GGUF writers do.
std::span<const int64_t> without_leading_ones(const Shape& shape) {
  auto extents = shape.extents();
  while (!extents.empty() && extents[0] == 1) extents = extents.subspan(1);
  return extents;
}

void check_shape(const Component& component, const NeededTensor& needed) {
  const StoredTensor& found = *component.find(needed.name);
  REEL_REQUIRE(std::ranges::equal(without_leading_ones(found.entry->shape),
                                  without_leading_ones(needed.shape)),
               kBadFile,
               str_cat(quoted(found.file->path()), ": ", quoted_name(found.entry->name), " is ",
                       found.entry->shape, "; ", needed.shape, " is needed."),
               "The file is damaged, or mixes parts of different models.");
}

}  // namespace

int64_t block_count(const Component& component, std::string_view prefix) {
  const std::set<int64_t> indexes = block_indexes(component, prefix);
  const int64_t named = indexes.empty() ? 0 : *indexes.rbegin() + 1;
  const int64_t expected = std::max(named, component.expected_blocks);
  const auto found = static_cast<int64_t>(indexes.size());
  if (!component.absent_files.empty()) {
    const auto absent = static_cast<int64_t>(
        std::ranges::count_if(component.absent_files,
                              [](const std::string& name) { return name.starts_with("block_"); }));
    const std::string counted = absent == 0 ? ""
                                            : str_cat(" (", std::max(expected, found + absent),
                                                      " blocks expected, ", found, " found)");
    fail_absent(component, counted);
  }
  for (int64_t block = 0; block < expected; ++block) {
    if (indexes.contains(block)) continue;
    const std::string file = likely_file(component, std::string(prefix), block);
    fail(ErrorCode::kNotFound,
         str_cat(quoted(component.path), " has no ",
                 file.empty() ? str_cat("tensors of block ", block) : quoted_name(file), " (",
                 expected, " blocks expected, ", found, " found)."),
         kComplete);
  }
  return expected;
}

void check_complete(const Component& component, const std::vector<NeededTensor>& needed) {
  std::vector<const NeededTensor*> missing;
  for (const NeededTensor& tensor : needed) {
    if (component.find(tensor.name) == nullptr) missing.push_back(&tensor);
  }
  if (!missing.empty()) {
    if (!component.absent_files.empty()) {
      fail_absent(component,
                  str_cat(" (", missing.size(), " of ", needed.size(), " tensors are missing)"));
    }
    const std::string more =
        missing.size() == 1 ? "" : str_cat(" and ", missing.size() - 1, " more");
    fail(ErrorCode::kNotFound,
         str_cat(quoted(component.path), " has no tensor ", quoted_name(missing[0]->name), more,
                 " of the ", needed.size(), " that the ", network_name(component.network),
                 " needs."),
         kComplete);
  }
  for (const NeededTensor& tensor : needed) check_shape(component, tensor);
}

}  // namespace reel::checkpoint
