// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"

namespace reel::tokenizer {
namespace {

using Json = nlohmann::json;

constexpr const char* kFileName = "tokenizer.json";
constexpr const char* kDamagedJsonHint =
    "Download the tokenizer again; tokenizer.json of UMT5 has 16,837,417 bytes.";
constexpr const char* kUnsupportedHint = "Use tokenizer.json or spiece.model of google/umt5-xxl.";
constexpr int kDeepestSequence = 8;

[[noreturn]] void fail_bad(std::string_view what) {
  fail(ErrorCode::kBadFile, str_cat(kFileName, ": ", what, "."), kDamagedJsonHint);
}

[[noreturn]] void fail_unsupported(std::string_view what) {
  fail(ErrorCode::kUnsupported, str_cat(kFileName, " uses ", what, ", which UMT5's does not have."),
       kUnsupportedHint);
}

Json parse(std::string_view text) {
  Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) fail_bad("the text is not a JSON object");
  return root;
}

const Json& member(const Json& node, const char* name) {
  if (!node.is_object()) fail_bad(str_cat("\"", name, "\" is looked for in what is no object"));
  const auto found = node.find(name);
  if (found == node.end()) fail_bad(str_cat("\"", name, "\" is missing"));
  return *found;
}

const Json& array_member(const Json& node, const char* name) {
  const Json& value = member(node, name);
  if (!value.is_array()) fail_bad(str_cat("\"", name, "\" is not an array"));
  return value;
}

std::string string_member(const Json& node, const char* name) {
  const Json& value = member(node, name);
  if (!value.is_string()) fail_bad(str_cat("\"", name, "\" is not a string"));
  return value.get<std::string>();
}

// False when the member is missing or null.
bool bool_member(const Json& node, const char* name, bool fallback) {
  const auto found = node.find(name);
  if (found == node.end() || found->is_null()) return fallback;
  if (!found->is_boolean()) fail_bad(str_cat("\"", name, "\" is neither true nor false"));
  return found->get<bool>();
}

int32_t to_id(const Json& value, const char* name) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > kMostPieces) {
    fail_bad(str_cat("\"", name, "\" is not an id"));
  }
  return value.get<int32_t>();
}

std::string decode_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char digit : text) {
    const size_t value = kDigits.find(digit);
    if (value == std::string_view::npos) fail_bad("\"precompiled_charsmap\" is not base64");
    bits = (bits << 6) | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    out += static_cast<char>(bits >> bit_count);
    bits &= (1U << bit_count) - 1;
  }
  return out;
}

NormalizerStep read_replace(const Json& node) {
  using Kind = NormalizerStep::Kind;
  const Json& pattern = member(node, "pattern");
  std::string content = string_member(node, "content");
  if (pattern.is_object() && pattern.contains("String")) {
    std::string from = string_member(pattern, "String");
    if (from.empty()) fail_bad("a Replace normalizer looks for an empty text");
    return {.kind = Kind::kReplace, .from = std::move(from), .to = std::move(content)};
  }
  const std::string expression = string_member(pattern, "Regex");
  if (expression != " {2,}") {
    fail_unsupported(str_cat("the normalizer expression \"", expression, "\""));
  }
  return {.kind = Kind::kSpaceRuns, .to = std::move(content)};
}

std::optional<NormalForm> normal_form_of(std::string_view type) {
  if (type == "NFC") return NormalForm::kNfc;
  if (type == "NFD") return NormalForm::kNfd;
  if (type == "NFKC") return NormalForm::kNfkc;
  if (type == "NFKD") return NormalForm::kNfkd;
  return std::nullopt;
}

// Precompiled: transformers writes null for a model without rules.
void read_charsmap(const Json& node, std::vector<NormalizerStep>& steps) {
  if (member(node, "precompiled_charsmap").is_null()) return;
  std::string map = decode_base64(string_member(node, "precompiled_charsmap"));
  if (map.empty()) return;
  steps.push_back({.kind = NormalizerStep::Kind::kCharsmap, .from = std::move(map)});
}

void read_normalizer(const Json& node, int depth, std::vector<NormalizerStep>& steps) {
  using Kind = NormalizerStep::Kind;
  if (node.is_null()) return;
  if (depth > kDeepestSequence) fail_bad("normalizer sequences are nested too deeply");
  const std::string type = string_member(node, "type");
  if (type == "Sequence") {
    for (const Json& child : array_member(node, "normalizers")) {
      read_normalizer(child, depth + 1, steps);
    }
  } else if (type == "Precompiled") {
    read_charsmap(node, steps);
  } else if (type == "Replace") {
    steps.push_back(read_replace(node));
  } else if (type == "Strip") {
    steps.push_back({.kind = Kind::kStrip,
                     .strip_left = bool_member(node, "strip_left", false),
                     .strip_right = bool_member(node, "strip_right", false)});
  } else if (type == "Prepend") {
    steps.push_back({.kind = Kind::kPrepend, .to = string_member(node, "prepend")});
  } else if (const auto form = normal_form_of(type)) {
    steps.push_back({.kind = Kind::kNormalForm, .form = *form});
  } else {
    fail_unsupported(str_cat("the normalizer \"", type, "\""));
  }
}

// Files from before tokenizers 0.19 say add_prefix_space instead of prepend_scheme.
WordRules::Prefix read_prefix(const Json& node) {
  if (!node.contains("prepend_scheme")) {
    return bool_member(node, "add_prefix_space", true) ? WordRules::Prefix::kAlways
                                                       : WordRules::Prefix::kNever;
  }
  const std::string scheme = string_member(node, "prepend_scheme");
  if (scheme == "always") return WordRules::Prefix::kAlways;
  if (scheme == "first") return WordRules::Prefix::kFirst;
  if (scheme == "never") return WordRules::Prefix::kNever;
  fail_bad(str_cat("\"prepend_scheme\" is \"", scheme, "\"; always, first and never are known"));
}

void read_pre_tokenizer(const Json& node, WordRules& rules, int depth) {
  if (node.is_null()) return;
  if (depth > kDeepestSequence) fail_bad("pre-tokenizer sequences are nested too deeply");
  const std::string type = string_member(node, "type");
  if (type == "Sequence") {
    for (const Json& child : array_member(node, "pretokenizers")) {
      read_pre_tokenizer(child, rules, depth + 1);
    }
  } else if (type == "WhitespaceSplit" && !rules.mark_spaces) {
    rules.split_at_white_space = true;
  } else if (type == "Metaspace" && !rules.mark_spaces) {
    rules.mark_spaces = true;
    rules.space_mark = string_member(node, "replacement");
    rules.prefix = read_prefix(node);
    rules.split_at_marks = bool_member(node, "split", true);
    if (first_utf8(rules.space_mark).length_bytes != rules.space_mark.size()) {
      fail_bad("\"replacement\" of Metaspace is not one character");
    }
  } else {
    fail_unsupported(str_cat("the pre-tokenizer \"", type, "\" in this place"));
  }
}

AddedToken read_added_token(const Json& node, int32_t id) {
  return {.text = string_member(node, "content"),
          .id = id,
          .single_word = bool_member(node, "single_word", false),
          .strip_left = bool_member(node, "lstrip", false),
          .strip_right = bool_member(node, "rstrip", false),
          .normalized = bool_member(node, "normalized", true)};
}

void read_vocabulary(const Json& node, std::vector<Piece>& pieces) {
  const Json& vocabulary = array_member(node, "vocab");
  if (vocabulary.size() > kMostPieces) fail_bad("\"vocab\" is too long");
  pieces.reserve(vocabulary.size());
  for (const Json& entry : vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      fail_bad(str_cat("entry ", pieces.size(), " of \"vocab\" is not a pair [text, score]"));
    }
    pieces.push_back({entry[0].get<std::string>(), entry[1].get<double>()});
  }
}

using IdTable = std::unordered_map<std::string, int32_t>;

IdTable ids_by_text(const UnigramModel& model) {
  IdTable ids;
  ids.reserve(model.pieces.size());
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    ids[model.pieces[id].text] = static_cast<int32_t>(id);
  }
  for (const AddedToken& token : model.added_tokens) ids[token.text] = token.id;
  return ids;
}

int32_t find_id(const IdTable& ids, const std::string& text) {
  const auto found = ids.find(text);
  return found == ids.end() ? -1 : found->second;
}

// As tokenizers numbers them, which does not look at "id": by the vocabulary where the text is a
// piece of it, else from the end of the vocabulary on.
void read_added_tokens(const Json& root, UnigramModel& model, IdTable& ids) {
  if (!root.contains("added_tokens")) return;
  auto next_id = static_cast<int32_t>(model.pieces.size());
  for (const Json& node : array_member(root, "added_tokens")) {
    const auto [entry, is_new] = ids.try_emplace(string_member(node, "content"), next_id);
    if (is_new) ++next_id;
    model.added_tokens.push_back(read_added_token(node, entry->second));
  }
}

// The id of the token that the template appends to a text.
int32_t read_end_id(const Json& root, const IdTable& ids_of_texts) {
  if (!root.contains("post_processor") || root["post_processor"].is_null()) {
    return find_id(ids_of_texts, "</s>");
  }
  const Json& node = root["post_processor"];
  const std::string type = string_member(node, "type");
  if (type != "TemplateProcessing") fail_unsupported(str_cat("the post-processor \"", type, "\""));
  const Json& single = array_member(node, "single");
  if (single.size() != 2 || !single[0].contains("Sequence") ||
      !single[1].contains("SpecialToken")) {
    fail_unsupported("a template other than \"the text, then one token\"");
  }
  const std::string name = string_member(member(single[1], "SpecialToken"), "id");
  const Json& ids = array_member(member(member(node, "special_tokens"), name.c_str()), "ids");
  if (ids.size() != 1) fail_unsupported(str_cat("an end token of ", ids.size(), " ids"));
  return to_id(ids[0], "ids");
}

UnigramModel read_model(const Json& root) {
  const Json& node = member(root, "model");
  if (!node.is_object()) fail_bad("\"model\" is not an object");
  const std::string type = node.contains("type") ? string_member(node, "type") : "Unigram";
  if (type != "Unigram") fail_unsupported(str_cat("a model of type \"", type, "\""));

  UnigramModel model;
  read_vocabulary(node, model.pieces);
  model.unk_id = to_id(member(node, "unk_id"), "unk_id");
  model.byte_fallback = bool_member(node, "byte_fallback", false);
  if (root.contains("normalizer")) read_normalizer(root["normalizer"], 0, model.normalizer);
  model.words.mark_spaces = false;
  if (root.contains("pre_tokenizer")) read_pre_tokenizer(root["pre_tokenizer"], model.words, 0);
  IdTable ids = ids_by_text(model);
  read_added_tokens(root, model, ids);
  model.end_id = read_end_id(root, ids);
  model.pad_id = std::max(find_id(ids, "<pad>"), 0);
  check_model(model, kFileName);
  return model;
}

}  // namespace

UnigramModel read_tokenizer_json(std::string_view text) { return read_model(parse(text)); }

void apply_tokenizer_config(UnigramModel& model, std::string_view text) {
  const Json root = parse(text);
  const auto table = root.find("added_tokens_decoder");
  if (table == root.end()) return;
  if (!table->is_object()) fail_bad("\"added_tokens_decoder\" is not an object");
  const IdTable ids = ids_by_text(model);
  std::vector<AddedToken> tokens;
  std::unordered_set<std::string> texts;
  for (const auto& [key, node] : table->items()) {
    const std::string content = string_member(node, "content");
    const int32_t id = find_id(ids, content);
    if (id < 0) fail_bad(str_cat("the added token \"", content, "\" is not in the vocabulary"));
    tokens.push_back(read_added_token(node, id));
    texts.insert(content);
  }
  for (AddedToken& token : model.added_tokens) {
    if (!texts.contains(token.text)) tokens.push_back(std::move(token));
  }
  model.added_tokens = std::move(tokens);
}

}  // namespace reel::tokenizer
