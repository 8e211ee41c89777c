// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/model_proto.h"

#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include "support/expect_error.h"
#include "unit/tokenizer/golden_files.h"

namespace reel::tokenizer {
namespace {

std::string field(int number, int wire_type, std::string_view payload) {
  return static_cast<char>((number << 3) | wire_type) + std::string(payload);
}

std::string message(int number, std::string_view body) {
  return field(number, 2, static_cast<char>(body.size()) + std::string(body));
}

std::string piece(std::string_view text) { return message(1, message(1, text)); }

TEST(ReadModelProto, FindsPiecesScoresTypesAndSpecialIds) {
  const UnigramModel model = read_model_proto(read_golden("nmt_nfkc/spiece.model"), 20);

  EXPECT_EQ(model.pieces.size(), 1520U);
  EXPECT_EQ(model.pieces[0].text, "<pad>");
  EXPECT_EQ(model.pieces[0].type, PieceType::kControl);
  EXPECT_EQ(model.pieces[3].type, PieceType::kUnknown);
  EXPECT_LT(model.pieces[4].score, 0);
  EXPECT_EQ(model.unk_id, 3);
  EXPECT_EQ(model.end_id, 1);
  EXPECT_EQ(model.pad_id, 0);
}

TEST(ReadModelProto, PutsTheSentinelsOnTopWithTheHighestNumberFirst) {
  const UnigramModel model = read_model_proto(read_golden("nmt_nfkc/spiece.model"), 20);

  EXPECT_EQ(model.pieces[1500].text, "<extra_id_19>");
  EXPECT_EQ(model.pieces[1519].text, "<extra_id_0>");
}

TEST(ReadModelProto, RefusesEveryCutOfAFile) {
  const std::string whole =
      piece("<unk>") + piece("</s>") + piece("a") + message(2, field(3, 0, "\x01"));
  ASSERT_NO_THROW(read_model_proto(whole));

  // Whole fields may be missing without anybody noticing; half a field may not.
  EXPECT_REEL_ERROR(read_model_proto(whole.substr(0, whole.size() - 1)), kBadFile, "are left");
  EXPECT_REEL_ERROR(read_model_proto(whole.substr(0, 1)), kBadFile, "is damaged");
}

TEST(ReadModelProto, RefusesALengthBeyondTheEnd) {
  EXPECT_REEL_ERROR(read_model_proto("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"), kBadFile,
                    "where 0 are left");
}

TEST(ReadModelProto, RefusesAnEmptyFile) {
  EXPECT_REEL_ERROR(read_model_proto(""), kBadFile, "the vocabulary has 0 pieces");
}

TEST(ReadModelProto, RefusesAnotherKindOfModelByName) {
  const std::string bpe = piece("<unk>") + piece("</s>") + message(2, field(3, 0, "\x02"));

  EXPECT_REEL_ERROR(read_model_proto(bpe), kUnsupported, "of kind 2");
}

TEST(ReadModelProto, RefusesAScoreThatIsNotFinite) {
  const std::string nan("\x00\x00\xC0\x7F", 4);
  const std::string bytes = message(1, message(1, "a") + field(2, 5, nan));

  EXPECT_REEL_ERROR(read_model_proto(bytes), kBadFile, "score of piece 0");
}

TEST(ReadModelProto, RefusesAPieceThatIsNotText) {
  EXPECT_REEL_ERROR(read_model_proto(piece("\xFF")), kBadFile, "piece 0 is not UTF-8");
  EXPECT_REEL_ERROR(read_model_proto(piece("")), kBadFile, "piece 0 has 0 bytes");
}

TEST(WriteModelProto, WritesWhatReadModelProtoReads) {
  const UnigramModel model = read_model_proto(read_golden("nmt_nfkc/spiece.model"), 20);

  const UnigramModel again = read_model_proto(write_model_proto(model), 20);

  ASSERT_EQ(again.pieces.size(), model.pieces.size());
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    EXPECT_EQ(again.pieces[id].text, model.pieces[id].text);
    EXPECT_EQ(again.pieces[id].score, model.pieces[id].score);
    EXPECT_EQ(again.pieces[id].type, model.pieces[id].type);
  }
  EXPECT_EQ(again.end_id, 1);
  EXPECT_EQ(again.normalizer[0].from, model.normalizer[0].from);
}

TEST(WriteModelProto, WritesWhatSentencePieceReads) {
  const UnigramModel model = read_model_proto(read_golden("nmt_nfkc/spiece.model"), 20);

  sentencepiece::SentencePieceProcessor processor;
  const auto status = processor.LoadFromSerializedProto(write_model_proto(model));

  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(processor.GetPieceSize(), 1520);
  EXPECT_EQ(processor.eos_id(), 1);
  EXPECT_EQ(processor.unk_id(), 3);
}

}  // namespace
}  // namespace reel::tokenizer
