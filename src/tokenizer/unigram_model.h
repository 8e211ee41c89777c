// SPDX-License-Identifier: Apache-2.0
// A Unigram tokenizer as data: what every file form of it is read into.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/unicode.h"

namespace reel::tokenizer {

// The numbers are those of sentencepiece's ModelProto and of GGUF's token_type.
enum class PieceType {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

// Its position in the vocabulary is its id.
struct Piece {
  std::string text = {};
  double score = 0;  // log probability
  PieceType type = PieceType::kNormal;
};

// A token that is cut out of the text before the vocabulary sees it. The flags are those of
// Hugging Face's AddedToken.
struct AddedToken {
  std::string text = {};
  int32_t id = -1;
  bool single_word = false;  // not next to a word character
  bool strip_left = false;   // takes the white space before it along
  bool strip_right = false;
  bool normalized = false;  // is looked for after the normalizer, not before
};

// One step of a normalizer, in the form of a tokenizer.json.
struct NormalizerStep {
  enum class Kind {
    kCharsmap,    // `from` is the precompiled map of sentencepiece
    kReplace,     // every `from` becomes `to`
    kSpaceRuns,   // every run of two or more spaces becomes `to`
    kStrip,       // white space, on the sides that are set
    kPrepend,     // `to` before a text that is not empty
    kNormalForm,  // `form`
  };
  Kind kind = Kind::kStrip;
  std::string from = {};
  std::string to = {};
  bool strip_left = false;
  bool strip_right = false;
  NormalForm form = NormalForm::kNfkc;
};

// How a normalized text is cut into the words that are looked up one by one.
struct WordRules {
  enum class Prefix { kAlways, kFirst, kNever };
  bool split_at_white_space = false;  // and drop it, before anything below
  bool mark_spaces = true;            // Metaspace: a space becomes `space_mark`, and starts a word
  bool split_at_marks = true;
  std::string space_mark = "\xE2\x96\x81";  // U+2581
  Prefix prefix = Prefix::kAlways;          // puts `space_mark` before a text that lacks it
};

struct UnigramModel {
  std::vector<Piece> pieces = {};
  int32_t unk_id = 0;
  int32_t end_id = 1;  // </s>
  int32_t pad_id = 0;
  // Characters without a piece become <0xNN> pieces instead of unk_id.
  bool byte_fallback = false;
  std::vector<NormalizerStep> normalizer = {};
  WordRules words = {};
  std::vector<AddedToken> added_tokens = {};
};

// The bounds of a vocabulary that is taken seriously. UMT5 has 256,300 pieces.
inline constexpr size_t kMostPieces = 2'000'000;
inline constexpr size_t kLongestPieceBytes = 1024;

// UMT5's <extra_id_0> ... <extra_id_299>.
inline constexpr int kUmt5Sentinels = 300;

// Completes a model that came without a tokenizer.json, as transformers' T5Converter does:
// charsmap, trailing space stripped, runs of spaces become one mark, a mark before every text;
// `sentinel_count` pieces <extra_id_N> at the top, the highest N first, unless the vocabulary has
// them; control and user-defined pieces, <unk> and the sentinels are added tokens.
// Unknown characters become unk_id even where the file has byte pieces: the converter drops
// byte fallback, and the published tokenizer.json was made by it.
//
// Source: transformers 5.23, convert_slow_tokenizer.py, SpmConverter and T5Converter.
void complete_as_t5(UnigramModel& model, std::string charsmap, int sentinel_count);

// Throws kBadFile when a model cannot be used: no pieces or too many, an empty, overlong or
// non-UTF-8 piece, a score that is not finite, an id outside the vocabulary. `source` is the name
// that the message gives to the file.
void check_model(const UnigramModel& model, std::string_view source);

}  // namespace reel::tokenizer
