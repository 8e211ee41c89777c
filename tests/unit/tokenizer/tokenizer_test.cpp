// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/expect_error.h"
#include "tokenizer/gguf_vocabulary.h"
#include "tokenizer/model_proto.h"
#include "tokenizer/tokenizer_json.h"
#include "unit/tokenizer/golden_files.h"

namespace reel::tokenizer {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;

// One reading of a model, and the ids that Hugging Face gives to every text.
struct GoldenCase {
  std::string model;
  Json patch;
  std::vector<std::vector<int32_t>> ids = {};
};

struct Goldens {
  std::vector<std::string> texts;
  std::vector<GoldenCase> cases = {};
};

// A null stands for the ids of the first case.
Goldens read_goldens() {
  const Json root = Json::parse(read_golden("ids.json"));
  Goldens goldens{.texts = root["texts"]};
  for (const Json& node : root["cases"]) {
    GoldenCase& out = goldens.cases.emplace_back(GoldenCase{node["model"], node["patch"]});
    for (size_t index = 0; index < node["ids"].size(); ++index) {
      const Json& ids = node["ids"][index];
      out.ids.push_back(ids.is_null() ? goldens.cases[0].ids[index]
                                      : ids.get<std::vector<int32_t>>());
    }
  }
  return goldens;
}

const Goldens& goldens() {
  static const Goldens kGoldens = read_goldens();
  return kGoldens;
}

std::string patched_json(const GoldenCase& golden) {
  Json root = Json::parse(read_golden(golden.model + "/tokenizer.json"));
  Json patch = golden.patch;
  if (patch.contains("normalizer") && patch["normalizer"]["normalizers"][0] == "FIRST") {
    patch["normalizer"]["normalizers"][0] = root["normalizer"]["normalizers"][0];
  }
  root.merge_patch(patch);
  return root.dump();
}

std::vector<int32_t> real_ids(const TokenIds& tokens) {
  return {tokens.ids.begin(), tokens.ids.begin() + tokens.token_count};
}

void expect_golden_ids(const Tokenizer& tokenizer, const GoldenCase& golden) {
  int differing = 0;
  for (size_t index = 0; index < golden.ids.size(); ++index) {
    const std::string& text = goldens().texts[index];
    const std::vector<int32_t> ids = real_ids(tokenizer.encode(text));
    if (ids != golden.ids[index] && ++differing <= 10) {
      ADD_FAILURE() << Json(text).dump(-1, ' ', true).substr(0, 300) << "\n  became "
                    << testing::PrintToString(ids) << "\n  not    "
                    << testing::PrintToString(golden.ids[index]);
    }
  }
  EXPECT_EQ(differing, 0) << golden.model << " " << golden.patch.dump().substr(0, 400);
}

class TokenizerGolden : public testing::TestWithParam<size_t> {};

TEST_P(TokenizerGolden, EqualsHuggingFaceFromTokenizerJson) {
  const GoldenCase& golden = goldens().cases.at(GetParam());

  expect_golden_ids(Tokenizer(read_tokenizer(patched_json(golden))), golden);
}

INSTANTIATE_TEST_SUITE_P(Variants, TokenizerGolden, testing::Range<size_t>(0, 8));

TEST(Tokenizer, EqualsHuggingFaceFromTheSentencePieceModel) {
  const UnigramModel model =
      read_model_proto(read_golden("nmt_nfkc/spiece.model"), kGoldenSentinels);

  expect_golden_ids(Tokenizer(model), goldens().cases[0]);
}

// The converter of transformers drops byte fallback.
TEST(Tokenizer, EqualsHuggingFaceFromAModelWithBytePieces) {
  const GoldenCase& golden = goldens().cases[6];
  ASSERT_EQ(golden.patch["model"]["byte_fallback"], false);

  expect_golden_ids(
      Tokenizer(read_model_proto(read_golden("identity/spiece.model"), kGoldenSentinels)), golden);
}

TEST(Tokenizer, EqualsHuggingFaceFromGgufMetadata) {
  const UnigramModel source = read_model_proto(read_golden("nmt_nfkc/spiece.model"), 0);
  GgufVocabulary vocabulary{.precompiled_charsmap = source.normalizer[0].from};
  for (const Piece& piece : source.pieces) {
    vocabulary.tokens.push_back(piece.text);
    vocabulary.scores.push_back(static_cast<float>(piece.score));
    vocabulary.token_type.push_back(static_cast<int32_t>(piece.type));
  }
  vocabulary.tokens.emplace_back("[PAD1500]");
  vocabulary.scores.push_back(-10000);
  vocabulary.token_type.push_back(5);

  expect_golden_ids(Tokenizer(from_gguf(vocabulary, kGoldenSentinels)), goldens().cases[0]);
}

Tokenizer small_tokenizer() {
  return Tokenizer(read_model_proto(read_golden("nmt_nfkc/spiece.model"), kGoldenSentinels));
}

TEST(Tokenizer, EndsEveryPromptAndFillsUpWithPads) {
  const TokenIds tokens = small_tokenizer().encode("", 4);

  EXPECT_THAT(tokens.ids, ElementsAre(1, 0, 0, 0));
  EXPECT_EQ(tokens.token_count, 1);
  EXPECT_THAT(tokens.mask(), ElementsAre(1, 0, 0, 0));
  EXPECT_FALSE(tokens.was_truncated);
}

TEST(Tokenizer, KeepsTheEndTokenWhenItTruncates) {
  std::string prompt;
  for (int word = 0; word < 600; ++word) prompt += "cat ";

  const TokenIds tokens = small_tokenizer().encode(prompt);

  EXPECT_EQ(tokens.ids.size(), 512U);
  EXPECT_EQ(tokens.token_count, 512);
  EXPECT_EQ(tokens.ids[511], 1);
  EXPECT_NE(tokens.ids[510], 1);
  EXPECT_TRUE(tokens.was_truncated);
}

TEST(Tokenizer, DoesNotCallAnExactFitTruncated) {
  const Tokenizer tokenizer = small_tokenizer();
  const int64_t count = tokenizer.encode("the cat walks").token_count;

  EXPECT_FALSE(tokenizer.encode("the cat walks", static_cast<int>(count)).was_truncated);
  EXPECT_TRUE(tokenizer.encode("the cat walks", static_cast<int>(count) - 1).was_truncated);
}

TEST(Tokenizer, RefusesAPromptThatIsNotUtf8) {
  EXPECT_REEL_ERROR(small_tokenizer().encode("a\xFF"), kInvalidArgument, "byte 1 (0xFF)");
}

TEST(Tokenizer, RefusesADamagedCharacterMap) {
  UnigramModel model = read_model_proto(read_golden("nmt_nfkc/spiece.model"), 0);
  model.normalizer[0].from.resize(1000);

  EXPECT_REEL_ERROR(Tokenizer(std::move(model)), kBadFile, "character map says");
}

}  // namespace
}  // namespace reel::tokenizer
