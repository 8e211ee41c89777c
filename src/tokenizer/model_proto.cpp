// SPDX-License-Identifier: Apache-2.0
// The wire format has four kinds of field that occur here (varint, 8 bytes, length-delimited, 4
// bytes), so it is read and written by hand: a generated parser would bring libprotobuf along.
#include "tokenizer/model_proto.h"

#include <bit>
#include <cstring>
#include <optional>

#include "base/error.h"

namespace reel::tokenizer {
namespace {

constexpr const char* kModelProto = "The sentencepiece model";
constexpr const char* kDamagedHint =
    "Download the tokenizer again; spiece.model of UMT5 has 4,548,313 bytes.";

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kDelimited = 2, kFixed32 = 5 };

// Field numbers of ModelProto and of the messages in it.
namespace model_field {
constexpr uint32_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3;
}
namespace piece_field {
constexpr uint32_t kText = 1, kScore = 2, kType = 3;
}
namespace trainer_field {
constexpr uint32_t kModelType = 3, kVocabSize = 4, kByteFallback = 35, kUnkId = 40, kBosId = 41,
                   kEosId = 42, kPadId = 43, kUnkPiece = 45, kEosPiece = 47, kPadPiece = 48;
}
namespace normalizer_field {
constexpr uint32_t kName = 1, kCharsmap = 2, kAddDummyPrefix = 3, kRemoveExtraSpaces = 4,
                   kEscapeSpaces = 5;
}

constexpr int64_t kUnigramModelType = 1;

[[noreturn]] void fail_damaged(std::string_view what) {
  fail(ErrorCode::kBadFile, str_cat(kModelProto, " is damaged: ", what, "."), kDamagedHint);
}

struct Field {
  uint32_t number = 0;
  WireType type = kVarint;
  uint64_t varint = 0;     // kVarint, kFixed32, kFixed64
  std::string_view bytes;  // kDelimited
};

// Walks over the fields of one message. Every length is checked against what is left.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const uint64_t key = read_varint();
    Field field;
    field.number = static_cast<uint32_t>(key >> 3);
    field.type = static_cast<WireType>(key & 7);
    if (field.number == 0 || (key >> 3) > 0x1FFFFFFF) fail_damaged("a field has no valid number");
    switch (field.type) {
      case kVarint: field.varint = read_varint(); break;
      case kFixed64: field.varint = read_fixed(8); break;
      case kDelimited: field.bytes = read_bytes(read_varint()); break;
      case kFixed32: field.varint = read_fixed(4); break;
      default: fail_damaged(str_cat("a field has the unknown wire type ", key & 7));
    }
    return field;
  }

 private:
  uint64_t read_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(read_bytes(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    fail_damaged("a number has more than ten bytes");
  }

  uint64_t read_fixed(size_t count) {
    const std::string_view bytes = read_bytes(count);
    uint64_t value = 0;
    for (size_t index = 0; index < count; ++index) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[index])) << (8 * index);
    }
    return value;
  }

  std::string_view read_bytes(uint64_t count) {
    if (count > rest_.size()) {
      fail_damaged(str_cat("a field says ", count, " bytes where ", rest_.size(), " are left"));
    }
    const std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }

  std::string_view rest_;
};

void require_type(const Field& field, WireType type) {
  if (field.type != type) {
    fail_damaged(str_cat("field ", field.number, " has wire type ", field.type, ", not ", type));
  }
}

int64_t to_int(const Field& field) {
  require_type(field, kVarint);
  return static_cast<int64_t>(field.varint);
}

int32_t to_id(const Field& field) {
  const int64_t value = to_int(field);
  if (value < -1 || value > static_cast<int64_t>(kMostPieces)) {
    fail_damaged(str_cat("field ", field.number, " holds the id ", value));
  }
  return static_cast<int32_t>(value);
}

PieceType to_piece_type(const Field& field) {
  const int64_t value = to_int(field);
  if (value < 1 || value > 6) fail_damaged(str_cat("a piece has the unknown type ", value));
  return static_cast<PieceType>(value);
}

Piece read_piece(std::string_view bytes) {
  Piece piece;
  MessageReader reader(bytes);
  while (const std::optional<Field> field = reader.next()) {
    switch (field->number) {
      case piece_field::kText:
        require_type(*field, kDelimited);
        piece.text = field->bytes;
        break;
      case piece_field::kScore:
        require_type(*field, kFixed32);
        piece.score = std::bit_cast<float>(static_cast<uint32_t>(field->varint));
        break;
      case piece_field::kType: piece.type = to_piece_type(*field); break;
      default: break;
    }
  }
  return piece;
}

struct SpecialIds {
  int32_t unk = 0;
  int32_t end = 2;
  int32_t pad = -1;
};

void require_unigram(int64_t kind) {
  REEL_REQUIRE(kind == kUnigramModelType, kUnsupported,
               str_cat(kModelProto, " is of kind ", kind,
                       " (BPE, word or character); Wan's text encoder needs UMT5's, which is of "
                       "kind 1 (Unigram)."),
               "Use spiece.model or tokenizer.json from google/umt5-xxl.");
}

SpecialIds read_trainer_spec(std::string_view bytes) {
  SpecialIds ids;
  MessageReader reader(bytes);
  while (const std::optional<Field> field = reader.next()) {
    switch (field->number) {
      case trainer_field::kModelType: require_unigram(to_int(*field)); break;
      case trainer_field::kUnkId: ids.unk = to_id(*field); break;
      case trainer_field::kEosId: ids.end = to_id(*field); break;
      case trainer_field::kPadId: ids.pad = to_id(*field); break;
      default: break;
    }
  }
  return ids;
}

std::string read_charsmap(std::string_view bytes) {
  std::string charsmap;
  MessageReader reader(bytes);
  while (const std::optional<Field> field = reader.next()) {
    if (field->number != normalizer_field::kCharsmap) continue;
    require_type(*field, kDelimited);
    charsmap = field->bytes;
  }
  return charsmap;
}

class MessageWriter {
 public:
  void varint(uint32_t number, uint64_t value) {
    key(number, kVarint);
    raw_varint(value);
  }
  void fixed32(uint32_t number, float value) {
    key(number, kFixed32);
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(bits >> shift);
  }
  void delimited(uint32_t number, std::string_view value) {
    key(number, kDelimited);
    raw_varint(value.size());
    bytes_ += value;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void key(uint32_t number, WireType type) { raw_varint((uint64_t{number} << 3) | type); }
  void raw_varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(0x80 | (value & 0x7F));
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

std::string piece_message(const Piece& piece) {
  MessageWriter writer;
  writer.delimited(piece_field::kText, piece.text);
  writer.fixed32(piece_field::kScore, static_cast<float>(piece.score));
  writer.varint(piece_field::kType, static_cast<uint64_t>(piece.type));
  return writer.bytes();
}

std::string trainer_message(const UnigramModel& model) {
  const auto text = [&](int32_t id) -> std::string_view {
    return model.pieces[static_cast<size_t>(id)].text;
  };
  MessageWriter writer;
  writer.varint(trainer_field::kModelType, kUnigramModelType);
  writer.varint(trainer_field::kVocabSize, model.pieces.size());
  writer.varint(trainer_field::kByteFallback, model.byte_fallback ? 1 : 0);
  writer.varint(trainer_field::kUnkId, static_cast<uint64_t>(model.unk_id));
  writer.varint(trainer_field::kBosId, ~uint64_t{0});  // -1: there is none
  writer.varint(trainer_field::kEosId, static_cast<uint64_t>(model.end_id));
  writer.varint(trainer_field::kPadId, static_cast<uint64_t>(model.pad_id));
  writer.delimited(trainer_field::kUnkPiece, text(model.unk_id));
  writer.delimited(trainer_field::kEosPiece, text(model.end_id));
  writer.delimited(trainer_field::kPadPiece, text(model.pad_id));
  return writer.bytes();
}

std::string normalizer_message(const UnigramModel& model) {
  std::string charsmap;
  for (const NormalizerStep& step : model.normalizer) {
    if (step.kind == NormalizerStep::Kind::kCharsmap) charsmap = step.from;
  }
  MessageWriter writer;
  writer.delimited(normalizer_field::kName, charsmap.empty() ? "identity" : "user_defined");
  writer.delimited(normalizer_field::kCharsmap, charsmap);
  writer.varint(normalizer_field::kAddDummyPrefix,
                model.words.prefix == WordRules::Prefix::kNever ? 0 : 1);
  writer.varint(normalizer_field::kRemoveExtraSpaces, 1);
  writer.varint(normalizer_field::kEscapeSpaces, 1);
  return writer.bytes();
}

}  // namespace

UnigramModel read_model_proto(std::string_view bytes, int sentinel_count) {
  UnigramModel model;
  SpecialIds ids;
  std::string charsmap;
  MessageReader reader(bytes);
  while (const std::optional<Field> field = reader.next()) {
    switch (field->number) {
      case model_field::kPieces:
        require_type(*field, kDelimited);
        model.pieces.push_back(read_piece(field->bytes));
        break;
      case model_field::kTrainerSpec:
        require_type(*field, kDelimited);
        ids = read_trainer_spec(field->bytes);
        break;
      case model_field::kNormalizerSpec:
        require_type(*field, kDelimited);
        charsmap = read_charsmap(field->bytes);
        break;
      default: break;
    }
    if (model.pieces.size() > kMostPieces) break;  // check_model names the limit
  }
  model.unk_id = ids.unk;
  model.end_id = ids.end;
  model.pad_id = ids.pad < 0 ? 0 : ids.pad;
  check_model(model, kModelProto);
  complete_as_t5(model, std::move(charsmap), sentinel_count);
  return model;
}

std::string write_model_proto(const UnigramModel& model) {
  MessageWriter writer;
  for (const Piece& piece : model.pieces) {
    writer.delimited(model_field::kPieces, piece_message(piece));
  }
  writer.delimited(model_field::kTrainerSpec, trainer_message(model));
  writer.delimited(model_field::kNormalizerSpec, normalizer_message(model));
  return writer.bytes();
}

}  // namespace reel::tokenizer
