// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/expect_error.h"
#include "unit/tokenizer/golden_files.h"

namespace reel::tokenizer {
namespace {

using Json = nlohmann::json;

Json small_json() {
  return Json::parse(R"({
    "added_tokens": [{"id": 1, "content": "</s>", "normalized": false, "lstrip": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": true},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}],
      "special_tokens": {"</s>": {"ids": [1]}}},
    "model": {"type": "Unigram", "unk_id": 2, "vocab": [["<pad>", 0], ["</s>", 0], ["<unk>", -1.5]]}
  })");
}

TEST(ReadTokenizerJson, ReadsTheSmallestFile) {
  const UnigramModel model = read_tokenizer_json(small_json().dump());

  ASSERT_EQ(model.pieces.size(), 3U);
  EXPECT_EQ(model.pieces[2].score, -1.5);
  EXPECT_EQ(model.unk_id, 2);
  EXPECT_EQ(model.end_id, 1);
  EXPECT_FALSE(model.byte_fallback);
  ASSERT_EQ(model.added_tokens.size(), 1U);
  EXPECT_TRUE(model.added_tokens[0].strip_left);
  EXPECT_FALSE(model.added_tokens[0].normalized);
}

TEST(ReadTokenizerJson, ReadsTheCharsmapOfTheConverter) {
  const UnigramModel model = read_tokenizer_json(read_golden("nmt_nfkc/tokenizer.json"));

  ASSERT_EQ(model.normalizer.size(), 3U);
  EXPECT_EQ(model.normalizer[0].kind, NormalizerStep::Kind::kCharsmap);
  EXPECT_EQ(model.normalizer[0].from.size(), 240007U);
}

TEST(ReadTokenizerJson, UnderstandsTheOldAndTheNewWayToAskForAPrefix) {
  Json root = small_json();
  root["pre_tokenizer"]["add_prefix_space"] = false;
  EXPECT_EQ(read_tokenizer_json(root.dump()).words.prefix, WordRules::Prefix::kNever);
  root["pre_tokenizer"]["prepend_scheme"] = "first";
  EXPECT_EQ(read_tokenizer_json(root.dump()).words.prefix, WordRules::Prefix::kFirst);
}

TEST(ReadTokenizerJson, NamesWhatItDoesNotSupport) {
  Json root = small_json();
  root["model"]["type"] = "BPE";
  EXPECT_REEL_ERROR(read_tokenizer_json(root.dump()), kUnsupported, "a model of type \"BPE\"");

  root = small_json();
  root["normalizer"] = {{"type", "Lowercase"}};
  EXPECT_REEL_ERROR(read_tokenizer_json(root.dump()), kUnsupported, "normalizer \"Lowercase\"");

  root = small_json();
  root["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", "a+"}}}, {"content", ""}};
  EXPECT_REEL_ERROR(read_tokenizer_json(root.dump()), kUnsupported, "expression \"a+\"");

  root = small_json();
  root["pre_tokenizer"] = {{"type", "ByteLevel"}};
  EXPECT_REEL_ERROR(read_tokenizer_json(root.dump()), kUnsupported, "\"ByteLevel\"");
}

TEST(ReadTokenizerJson, NamesAMissingMember) {
  Json root = small_json();
  root["model"].erase("unk_id");

  EXPECT_REEL_ERROR(read_tokenizer_json(root.dump()), kBadFile, "\"unk_id\" is missing");
}

TEST(ReadTokenizerJson, RefusesWhatIsNotJson) {
  EXPECT_REEL_ERROR(read_tokenizer_json("{\"model\":"), kBadFile, "not a JSON object");
  EXPECT_REEL_ERROR(read_tokenizer_json("[]"), kBadFile, "not a JSON object");
}

TEST(ReadTokenizerJson, RefusesAVocabularyEntryThatIsNoPair) {
  Json root = small_json();
  root["model"]["vocab"][1] = "x";

  EXPECT_REEL_ERROR(read_tokenizer_json(root.dump()), kBadFile, "entry 1 of \"vocab\"");
}

TEST(ReadTokenizerJson, RefusesSequencesNestedTooDeeply) {
  Json root = small_json();
  for (int depth = 0; depth < 20; ++depth) {
    root["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json::array({root["normalizer"]})}};
  }

  EXPECT_REEL_ERROR(read_tokenizer_json(root.dump()), kBadFile, "nested too deeply");
}

TEST(ApplyTokenizerConfig, ReplacesTheFlagsOfATokenAndAddsOthers) {
  UnigramModel model = read_tokenizer_json(small_json().dump());

  apply_tokenizer_config(model, R"({"added_tokens_decoder": {
    "0": {"content": "<pad>", "normalized": false},
    "1": {"content": "</s>", "normalized": true, "rstrip": true}}})");

  ASSERT_EQ(model.added_tokens.size(), 2U);
  EXPECT_EQ(model.added_tokens[0].text, "<pad>");
  EXPECT_EQ(model.added_tokens[0].id, 0);
  EXPECT_FALSE(model.added_tokens[1].strip_left);
  EXPECT_TRUE(model.added_tokens[1].strip_right);
}

TEST(ApplyTokenizerConfig, KeepsTokensThatTheConfigDoesNotName) {
  UnigramModel model = read_tokenizer_json(small_json().dump());

  apply_tokenizer_config(model, R"({"added_tokens_decoder": {"0": {"content": "<pad>"}}})");

  ASSERT_EQ(model.added_tokens.size(), 2U);
  EXPECT_EQ(model.added_tokens[1].text, "</s>");
  EXPECT_TRUE(model.added_tokens[1].strip_left);
}

TEST(ApplyTokenizerConfig, NamesATokenThatTheVocabularyLacks) {
  UnigramModel model = read_tokenizer_json(small_json().dump());

  EXPECT_REEL_ERROR(
      apply_tokenizer_config(model, R"({"added_tokens_decoder": {"9": {"content": "<x>"}}})"),
      kBadFile, "\"<x>\" is not in the vocabulary");
}

}  // namespace
}  // namespace reel::tokenizer
