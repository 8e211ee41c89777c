// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/normalizer.h"

#include "base/error.h"

namespace reel::tokenizer {
namespace {

constexpr const char* kCharsmapHint =
    "Download the tokenizer again; its precompiled_charsmap was cut or changed.";

// A cluster of this size or more is mapped character by character.
constexpr size_t kLongClusterBytes = 6;

// No prompt comes near it; only rules made to grow a text without end do.
constexpr size_t kMostNormalizedBytes = size_t{4} << 20;

void append_bounded(std::string_view text, std::string& out) {
  REEL_REQUIRE(out.size() + text.size() <= kMostNormalizedBytes, kBadFile,
               str_cat("The tokenizer's normalizer makes more than ", kMostNormalizedBytes,
                       " bytes of a prompt."),
               "Use tokenizer.json or spiece.model of google/umt5-xxl.");
  out += text;
}

// How a unit of a Darts double array is laid out in its 32 bits.
bool has_leaf(uint32_t unit) { return ((unit >> 8) & 1) != 0; }
uint32_t leaf_value(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label(uint32_t unit) { return unit & 0x800000FF; }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & 0x200) >> 6); }

uint32_t read_u32(std::string_view bytes, size_t position) {
  uint32_t value = 0;
  for (size_t index = 0; index < 4; ++index) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[position + index])) << (8 * index);
  }
  return value;
}

// The bytes of the first cluster of a text that is not empty.
size_t first_cluster_bytes(std::string_view text) {
  Utf8Char left = first_utf8(text);
  size_t size = left.length_bytes;
  int state = 0;
  while (size < text.size()) {
    const Utf8Char right = first_utf8(text.substr(size));
    if (is_grapheme_break(left.code, right.code, state)) break;
    size += right.length_bytes;
    left = right;
  }
  return size;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t found = text.find(from); found != std::string_view::npos; found = text.find(from)) {
    append_bounded(text.substr(0, found), out);
    append_bounded(to, out);
    text.remove_prefix(found + from.size());
  }
  append_bounded(text, out);
  return out;
}

std::string replace_space_runs(std::string_view text, std::string_view to) {
  std::string out;
  while (!text.empty()) {
    const size_t run = std::min(text.find_first_not_of(' '), text.size());
    if (run == 1) {
      out += ' ';
    } else if (run > 1) {
      append_bounded(to, out);
    }
    text.remove_prefix(run);
    const size_t next = std::min(text.find(' '), text.size());
    out += text.substr(0, next);
    text.remove_prefix(next);
  }
  return out;
}

std::string_view strip(std::string_view text, bool left, bool right) {
  while (left && !text.empty()) {
    const Utf8Char first = first_utf8(text);
    if (!is_white_space(first.code)) break;
    text.remove_prefix(first.length_bytes);
  }
  while (right && !text.empty() && is_white_space(last_utf8(text))) {
    std::string last;
    append_utf8(last_utf8(text), last);
    text.remove_suffix(last.size());
  }
  return text;
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes) {
  REEL_REQUIRE(bytes.size() >= 4, kBadFile,
               str_cat("The tokenizer's character map has ", bytes.size(),
                       " bytes, at least 4 are expected."),
               kCharsmapHint);
  const uint32_t trie_bytes = read_u32(bytes, 0);
  bytes.remove_prefix(4);
  REEL_REQUIRE(trie_bytes > 0 && trie_bytes % 4 == 0 && trie_bytes <= bytes.size(), kBadFile,
               str_cat("The tokenizer's character map says ", trie_bytes, " bytes of trie, ",
                       bytes.size(), " are there."),
               kCharsmapHint);
  trie_.reserve(trie_bytes / 4);
  for (size_t position = 0; position < trie_bytes; position += 4) {
    trie_.push_back(read_u32(bytes, position));
  }
  texts_ = bytes.substr(trie_bytes);
  REEL_REQUIRE(is_utf8(texts_), kBadFile,
               "The replacement texts of the tokenizer's character map are not UTF-8.",
               kCharsmapHint);
}

std::string Charsmap::apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t cluster_bytes = first_cluster_bytes(text);
    append_mapped(text.substr(0, cluster_bytes), out);
    text.remove_prefix(cluster_bytes);
  }
  return out;
}

void Charsmap::append_mapped(std::string_view cluster, std::string& out) const {
  if (cluster.size() < kLongClusterBytes) {
    if (const auto mapped = shortest_match(cluster)) {
      append_bounded(*mapped, out);
      return;
    }
  }
  while (!cluster.empty()) {
    const std::string_view one = cluster.substr(0, first_utf8(cluster).length_bytes);
    append_bounded(shortest_match(one).value_or(one), out);
    cluster.remove_prefix(one.size());
  }
}

std::optional<std::string_view> Charsmap::shortest_match(std::string_view text) const {
  uint32_t node = offset(trie_[0]);
  for (const char character : text) {
    const auto byte = static_cast<uint8_t>(character);
    if (byte == 0) break;
    node ^= byte;
    if (node >= trie_.size() || label(trie_[node]) != byte) break;
    const bool is_end = has_leaf(trie_[node]);
    node ^= offset(trie_[node]);
    if (!is_end) continue;
    return node < trie_.size() ? text_at(leaf_value(trie_[node])) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string_view> Charsmap::text_at(uint32_t position) const {
  if (position >= texts_.size()) return std::nullopt;
  const std::string_view text = std::string_view(texts_).substr(position);
  const bool starts_a_character = (static_cast<uint8_t>(text[0]) & 0xC0) != 0x80;
  if (!starts_a_character) return std::nullopt;
  return text.substr(0, std::min(text.find('\0'), text.size()));
}

Normalizer::Normalizer(const std::vector<NormalizerStep>& steps) : steps_(steps) {
  for (NormalizerStep& step : steps_) {
    if (step.kind != NormalizerStep::Kind::kCharsmap) continue;
    charsmaps_.emplace_back(step.from);
    step.from.clear();
  }
}

std::string Normalizer::apply(std::string_view text) const {
  std::string out(text);
  auto charsmap = charsmaps_.begin();
  for (const NormalizerStep& step : steps_) {
    switch (step.kind) {
      case NormalizerStep::Kind::kCharsmap: out = (charsmap++)->apply(out); break;
      case NormalizerStep::Kind::kReplace: out = replace_all(out, step.from, step.to); break;
      case NormalizerStep::Kind::kSpaceRuns: out = replace_space_runs(out, step.to); break;
      case NormalizerStep::Kind::kStrip:
        out = std::string(strip(out, step.strip_left, step.strip_right));
        break;
      case NormalizerStep::Kind::kPrepend:
        if (!out.empty()) out.insert(0, step.to);
        break;
      case NormalizerStep::Kind::kNormalForm: out = to_normal_form(out, step.form); break;
    }
  }
  return out;
}

}  // namespace reel::tokenizer
